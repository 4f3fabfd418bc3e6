"""Starts and stops the AWS sandbox on 127.0.0.1."""

from __future__ import annotations

import threading
from types import TracebackType
from typing import Self

from werkzeug.serving import ThreadedWSGIServer

from reporter.sandbox.aws.application import Application
from reporter.sandbox.aws.handler import KeepAliveHandler

HOST = "127.0.0.1"


class AwsSandbox:
    """An AWS on this machine, in a thread of this process.

    moto keeps its state per process: two sandboxes in one process are two doors to one AWS. `POST /moto-api/reset` empties it.
    """

    def __init__(self) -> None:
        self._application = Application()
        self._server: ThreadedWSGIServer | None = None
        self._thread: threading.Thread | None = None

    @property
    def endpoint(self) -> str:
        """`http://127.0.0.1:PORT`, as for AWS_ENDPOINT_URL. Raises RuntimeError before start()."""
        if self._server is None:
            raise RuntimeError("the AWS sandbox is not started")
        return f"http://{HOST}:{self._server.port}"

    def start(self, port: int = 0) -> str:
        """Listens (on a free port for 0) and returns the endpoint. Raises OSError when the port is taken."""
        self._server = ThreadedWSGIServer(HOST, port, self._application, handler=KeepAliveHandler)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, name="aws-sandbox", daemon=True)
        self._thread.start()
        return self.endpoint

    def stop(self) -> None:
        """Lets hanging requests go and stops listening; more than once is harmless."""
        self._application.faults.clear()
        if self._server and self._thread:
            self._server.shutdown()
            self._thread.join()
            self._server.server_close()
            self._server = self._thread = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()
