"""HTTP/1.1 for the sandbox: connections are kept, an answer leaves in one write, and a dropped connection is really dropped.

werkzeug's own handler closes every connection and then waits for stray bytes; over thousands of small calls that is most of the time.
"""

from __future__ import annotations

import io
import socket
import struct
from typing import Any

from moto.moto_server.werkzeug_app import MotoRequestHandler

from reporter.sandbox.aws.application import DropConnection


class KeepAliveHandler(MotoRequestHandler):
    """One per connection; reads each request whole, so that the next one starts where it should."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def run_wsgi(self) -> None:
        self.environ = environ = self.make_environ()
        stream = environ["wsgi.input"]
        length = int(environ.get("CONTENT_LENGTH") or 0)
        chunked = environ.get("wsgi.input_terminated")
        body = stream.read() if chunked else stream.read(length)
        environ["wsgi.input"] = io.BytesIO(body)
        environ["CONTENT_LENGTH"] = str(len(body))
        started: list[tuple[str, list[tuple[str, str]]]] = []
        try:
            application: Any = self.server.app
            chunks = application(environ, lambda status, headers, _exc=None: started.append((status, headers)))
        except DropConnection:
            self._drop()
            return
        status, headers = started[-1]
        lines = [f"HTTP/1.1 {status}", f"Date: {self.date_time_string()}", *(f"{name}: {value}" for name, value in headers), "", ""]
        head = "\r\n".join(lines).encode("latin-1", "replace")
        self.wfile.write(head if self.command == "HEAD" else head + b"".join(chunks))

    def _drop(self) -> None:
        """Closes without an answer; lingering for zero seconds makes it a reset."""
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    def log_request(self, *_: Any) -> None:
        """The call log is the log."""
