"""The Workload Protection server on this machine, to be started in a thread or as a program."""

from __future__ import annotations

import threading
from types import TracebackType
from typing import Self

from reporter.sandbox.wp.state import State
from reporter.sandbox.wp.wire import WpServer


class WpSandbox:
    """A server on 127.0.0.1; `with WpSandbox() as sandbox: ...` starts and stops it. `state` is its inside, for tests in the same process."""

    def __init__(self) -> None:
        self.state = State()
        self._server: WpServer | None = None
        self._thread: threading.Thread | None = None

    @property
    def address(self) -> str:
        """http://127.0.0.1:PORT, where /sandbox/... is. Raises RuntimeError when it is not started."""
        if self._server is None:
            raise RuntimeError("the Workload Protection sandbox is not started")
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    @property
    def url(self) -> str:
        """Base URL of the API."""
        return f"{self.address}/api"

    def start(self, port: int = 0) -> Self:
        """Listen on the port (0: any free one). Raises OSError when it is taken."""
        self._server = WpServer(("127.0.0.1", port), self.state)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, name="wp-sandbox", daemon=True)
        self._thread.start()
        return self

    def stop(self) -> None:
        """Stop listening and close every connection; hanging calls end."""
        if self._server is None or self._thread is None:
            return
        self._server.shutdown()
        self._thread.join()
        self.state.faults.lift()
        self._server.server_close()
        self._server.close_connections()
        self._server = self._thread = None

    def __enter__(self) -> Self:
        return self if self._server is not None else self.start()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()
