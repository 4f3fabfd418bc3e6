"""An HTTP server on this machine that answers AWS calls as a test has written them, faults included."""

from __future__ import annotations

import json
import re
import struct
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote

import pytest

JSON = "application/json"
HTML = b"<html><body>It works!</body></html>"


@dataclass(frozen=True)
class Request:
    """What came over the wire. `key`: operation where the protocol names it, else "METHOD /path"."""

    key: str
    host: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def region(self) -> str:
        return self.headers["authorization"].split("/")[2]


@dataclass(frozen=True)
class Answer:
    """One answer; `fault`: reset (the connection), hang (until the test ends), cut (fewer bytes than announced)."""

    body: bytes
    status: int = 200
    content_type: str = JSON
    headers: tuple[tuple[str, str], ...] = ()
    fault: str = ""


def page(**members: Any) -> Answer:
    return Answer(json.dumps(members).encode())


def error(code: str, message: str = "", status: int = 400) -> Answer:
    """An error of a JSON protocol."""
    return Answer(json.dumps({"__type": code, "message": message}).encode(), status, headers=(("x-amzn-errortype", code),))


Answering = Answer | Callable[[Request], Answer]


@dataclass
class AwsServer:
    """Answers by key, in the order written; the last one stays."""

    url: str = ""
    requests: list[Request] = field(default_factory=list)
    stop_hanging: threading.Event = field(default_factory=threading.Event)
    _answers: dict[str, list[Answering]] = field(default_factory=lambda: defaultdict(list))
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def on(self, key: str, *answers: Answering) -> None:
        self._answers[key] = list(answers)

    def asked(self, key: str) -> list[Request]:
        return [request for request in self.requests if request.key == key]

    def respond(self, request: Request) -> Answer:
        with self._lock:
            self.requests.append(request)
            answers = self._answers.get(request.key)
            if not answers:
                return Answer(b"no answer written for " + request.key.encode(), 418, "text/plain")
            answering = answers.pop(0) if len(answers) > 1 else answers[0]
        return answering(request) if callable(answering) else answering


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_POST(self) -> None:
        headers = {name.lower(): value for name, value in self.headers.items()}
        body = self.rfile.read(int(headers.get("content-length", 0)))
        key = f"{self.command} {unquote(self.path.split('?')[0])}"
        if "x-amz-target" in headers:
            key = headers["x-amz-target"].rsplit(".", 1)[1]
        elif (action := parse_qs(body.decode("latin-1")).get("Action")) and re.fullmatch(r"\w+", action[0]):
            key = action[0]
        self._send(self._answering().respond(Request(key, headers.get("host", ""), headers, body)))

    do_GET = do_PUT = do_DELETE = do_HEAD = do_POST  # noqa: N815  # the library's names

    def _send(self, answer: Answer) -> None:
        if answer.fault == "hang":
            self._answering().stop_hanging.wait(10)
        if answer.fault in ("hang", "reset"):
            self.connection.setsockopt(1, 13, struct.pack("ii", 1, 0))  # SO_LINGER 0: closing resets
            self.close_connection = True
            return
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.content_type)
        self.send_header("Content-Length", str(len(answer.body) + (100 if answer.fault == "cut" else 0)))
        for name, value in answer.headers:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(answer.body)
        self.close_connection = self.close_connection or answer.fault == "cut"

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # the library's name
        return

    def _answering(self) -> AwsServer:
        assert isinstance(self.server, _Quiet)
        return self.server.answering


class _Quiet(ThreadingHTTPServer):
    daemon_threads = True
    answering = AwsServer()

    def handle_error(self, request: Any, client_address: Any) -> None:
        return  # a client that gave up is what some tests are about


@cache
def _http() -> _Quiet:
    """One listening server for all tests of a process; each test brings its own answers."""
    http = _Quiet(("127.0.0.1", 0), _Handler)
    threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    return http


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[AwsServer]:
    """The server, and boto3's environment pointed at it."""
    http = _http()
    http.answering = served = AwsServer(f"http://127.0.0.1:{http.server_port}")
    aws_environment(monkeypatch, tmp_path)
    monkeypatch.setenv("AWS_ENDPOINT_URL", served.url)
    yield served
    served.stop_hanging.set()


def aws_environment(monkeypatch: pytest.MonkeyPatch, empty: Path) -> None:
    """Static credentials and nothing else that this machine may have configured."""
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_REGION", "AWS_ENDPOINT_URL", "AWS_ROLE_ARN", "AWS_WEB_IDENTITY_TOKEN_FILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(empty / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(empty / "credentials"))
