"""HTTP/1.1 on a socket: reads a call, sends its answer, and breaks it where a fault says so."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from reporter.sandbox.wp.control import control
from reporter.sandbox.wp.faults import HANG_SECONDS
from reporter.sandbox.wp.state import Answer, State

_VERSION = "20.0.0"
_CLOSE_AT_ONCE = struct.pack("ii", 1, 0)


class WpServer(ThreadingHTTPServer):
    """Threads and connections of one server; closing it ends both."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], state: State) -> None:
        super().__init__(address, _Handler)
        self.state = state
        self._connections: set[socket.socket] = set()
        self._guard = threading.Lock()

    def process_request(self, request: Any, client_address: Any) -> None:
        with self._guard:
            self._connections.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        with self._guard:
            self._connections.discard(request)
        super().shutdown_request(request)

    def close_connections(self) -> None:
        with self._guard:
            for connection in self._connections:
                with contextlib.suppress(OSError):  # the other side was faster
                    connection.shutdown(socket.SHUT_RDWR)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    server: WpServer

    def _serve(self) -> None:
        length = self.headers.get("Content-Length", "0")
        if not length.isdigit():
            self.close_connection = True
            self._send(Answer(400))
            return
        body = self.rfile.read(int(length))
        state, target = self.server.state, urlsplit(self.path)
        if target.path.startswith("/sandbox/"):
            self._send(control(state, self.command, target.path, body))
        elif target.path.startswith("/api/"):
            query = parse_qs(target.query, keep_blank_values=True)
            hang = state.faults.hang()
            answer = state.answer(
                self.command, target.path.removeprefix("/api"), query, {name.lower(): value for name, value in self.headers.items()}, body
            )
            if answer.broken == "timeout":
                hang.wait(HANG_SECONDS)
            self._send(answer)
        else:
            self._send(Answer(404))

    do_GET = do_POST = do_PUT = do_DELETE = do_PATCH = _serve  # noqa: N815 - http.server's names

    def _send(self, answer: Answer) -> None:
        if answer.status == 0:
            self.close_connection = True
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _CLOSE_AT_ONCE)
            self.connection.close()
            return
        lines = [
            f"HTTP/1.1 {answer.status} {HTTPStatus(answer.status).phrase}",
            f"X-DSM-Version: {_VERSION}",
            f"Date: {self.date_time_string()}",
            *(f"{name}: {value}" for name, value in answer.headers.items()),
        ]
        if answer.status != 204:
            lines += [f"Content-Type: {answer.content_type}", f"Content-Length: {len(answer.body)}"]
        body = answer.body
        if answer.broken == "truncated":
            self.close_connection = True
            body = body[: len(body) // 2]
        self.wfile.write("\r\n".join((*lines, "", "")).encode("latin-1") + body)
        self.wfile.flush()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - http.server's name
        """Say nothing: calls are kept in the call log."""
