"""HTTP/1.1 with connections that stay open, over asyncio: a request in, an answer out after the latency asked for, each call told to the log."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from bench.estate.calls import Asked

_LENGTH = re.compile(rb"(?i)\r\ncontent-length: *(\d+)")
_GOES_ON = re.compile(rb"(?i)\r\nexpect: *100-continue")
_REASONS = {200: b"OK", 404: b"Not Found", 501: b"Not Implemented"}


@dataclass(frozen=True)
class Request:
    """`head`: from the first line to the blank one, headers as they came."""

    method: str
    path: str
    head: bytes
    body: bytes


@dataclass(frozen=True)
class Answer:
    """What is sent, and who asked what: the log's account, service and operation."""

    account: str
    service: str
    operation: str
    body: bytes
    kind: str = "application/json"
    status: int = 200


Answering = Callable[[Request], Answer]


class Connection(asyncio.Protocol):
    """One client's connection. Requests come one after the other; the next is read when the one before is answered."""

    def __init__(self, answering: Answering, asked: Asked, latency: float) -> None:
        self._answering, self._asked, self._latency = answering, asked, latency
        self._buffer = bytearray()
        self._busy = False
        self._transport: Any = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        self._go_on()

    def _go_on(self) -> None:
        if self._busy:
            return
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            return
        head = bytes(self._buffer[: end + 2])
        length = _LENGTH.search(head)
        upto = end + 4 + (int(length[1]) if length else 0)
        if len(self._buffer) < upto:
            if _GOES_ON.search(head):
                self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            return
        body = bytes(self._buffer[end + 4 : upto])
        del self._buffer[:upto]
        method, path, _ = head[: head.index(b"\r\n")].split(b" ", 2)
        self._answer(Request(method.decode(), path.decode(), head, body))

    def _answer(self, request: Request) -> None:
        if request.path.startswith("/-/"):
            self._send(Answer("", "", "", self._control(request.path)))
            return
        answer = self._answering(request)
        self._asked.begin(answer.account, answer.service, answer.operation)
        if answer.status == 501:
            self._asked.unanswered(f"{answer.service} {answer.operation or request.method + ' ' + request.path}")
        if self._latency:
            self._busy = True
            asyncio.get_running_loop().call_later(self._latency, self._late, answer)
        else:
            self._told(answer)
            self._go_on()

    def _late(self, answer: Answer) -> None:
        self._busy = False
        self._told(answer)
        self._go_on()

    def _told(self, answer: Answer) -> None:
        self._asked.end(answer.account, answer.service, len(answer.body))
        self._send(answer)

    def _send(self, answer: Answer) -> None:
        if self._transport.is_closing():
            return
        head = b"HTTP/1.1 %d %b\r\nContent-Type: %b\r\nContent-Length: %d\r\nx-amzn-RequestId: 0\r\n\r\n"
        values = (answer.status, _REASONS.get(answer.status, b""), answer.kind.encode(), len(answer.body))
        self._transport.write(head % values + answer.body)

    def _control(self, path: str) -> bytes:
        """`/-/log`: what was asked; `/-/forget`: the same, and counting begins anew."""
        told = json.dumps(self._asked.told()).encode()
        if path == "/-/forget":
            self._asked.forget()
        return told


async def serve(answering: Answering, asked: Asked, latency: float, port: int, ready: Callable[[int], None]) -> None:
    """Answer on 127.0.0.1 until cancelled; `ready` is told the port."""
    server = await asyncio.get_running_loop().create_server(lambda: Connection(answering, asked, latency), "127.0.0.1", port, backlog=1024)
    ready(server.sockets[0].getsockname()[1])
    async with server:
        await server.serve_forever()
