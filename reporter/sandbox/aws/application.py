"""The sandbox as one WSGI application: control routes, then recognise → credentials → fault → moto, and every call logged."""

from __future__ import annotations

import http
import json
import threading
from collections.abc import Callable, Iterable
from typing import Any

from moto.moto_server.werkzeug_app import create_backend_app

from reporter.sandbox.aws.calls import Calls
from reporter.sandbox.aws.config_notifications import ask, sent, tokens
from reporter.sandbox.aws.conformance import NotConforming, expect
from reporter.sandbox.aws.error_answers import CLOSED, Answer, error, expired, json_answer, unknown_token
from reporter.sandbox.aws.extend import extensions, install
from reporter.sandbox.aws.faults import Faults
from reporter.sandbox.aws.recognise import Asked, recognise
from reporter.sandbox.aws.seen import Seen
from reporter.sandbox.aws.sessions import SESSIONS
from reporter.sandbox.aws.speed import Dispatcher
from reporter.sandbox.aws.store import STORE
from reporter.sandbox.aws.sts import credential_problem

Environ = dict[str, Any]


class DropConnection(ConnectionError):
    """The connection is to be closed without an answer."""


def service_application(service: Any) -> Any:
    """moto's application of one service; what moto lacks is answered with 501, which no client retries, and a crash with 500."""
    application = create_backend_app(service)
    application.debug = False
    application.config["PROPAGATE_EXCEPTIONS"] = False
    application.register_error_handler(NotImplementedError, lambda problem: (f"{service}: {problem}", 501))
    return application


def is_lacking(asked: Asked, answer: Answer) -> bool:
    """Did moto answer that it does not know this operation? For REST it says so as a path that is not there, in HTML."""
    lost = answer.status == http.HTTPStatus.NOT_FOUND and answer.body.startswith(b"<!doctype html>")
    return answer.status == http.HTTPStatus.NOT_IMPLEMENTED or (lost and asked.protocol.startswith("rest-"))


def lacking(asked: Asked) -> Answer:
    """An error the client understands and does not retry, so that a hole in the sandbox is seen for what it is."""
    message = f"The sandbox does not answer {asked.service}:{asked.operation or 'this path'}."
    return error(asked, "NotInTheSandbox", message, http.HTTPStatus.NOT_IMPLEMENTED)


class Application:
    """WSGI. Raises DropConnection where a fault says so; the request handler closes the socket then."""

    def __init__(self) -> None:
        self._seeders = install()
        self._moto = Dispatcher(service_application)
        self._one_at_a_time = threading.RLock()
        self.calls = Calls()
        self.seen = Seen()
        self.faults = Faults()

    def __call__(self, environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        answer = self._answer(environ)
        if answer is CLOSED:
            raise DropConnection
        headers = [(name, value) for name, value in answer.headers if name.lower() not in {"content-length", "connection"}]
        length = len(answer.body)
        if environ["REQUEST_METHOD"] == "HEAD":
            length = int(next((value for name, value in answer.headers if name.lower() == "content-length"), "0"))
        start_response(f"{answer.status} {phrase(answer.status)}", [*headers, ("Content-Length", str(length))])
        return [answer.body]

    def _answer(self, environ: Environ) -> Answer:
        path = environ.get("PATH_INFO", "")
        if path.startswith("/sandbox/") and "HTTP_AUTHORIZATION" not in environ:
            return self._control(environ, path)
        if path.startswith("/moto-api"):
            if path.rstrip("/") == "/moto-api/reset":
                self._forget()
            return self._ask_moto(environ)
        asked = recognise(environ)
        self.seen.note(asked, environ)
        answer = self._aws(environ, asked)
        self.calls.record(asked, answer.status)
        return answer

    def _aws(self, environ: Environ, asked: Asked) -> Answer:
        fault = self.faults.take(asked)
        if fault:
            return self.faults.answer(fault, asked, lambda: self._ask_moto(environ))
        problem = credential_problem(asked.access_key, environ.get("HTTP_X_AMZ_SECURITY_TOKEN", ""))
        if problem:
            return expired(asked) if problem == "expired" else unknown_token(asked)
        answer = self._ask_moto(environ)
        return lacking(asked) if is_lacking(asked, answer) else answer

    def _ask_moto(self, environ: Environ) -> Answer:
        """moto's dictionaries are not made for threads: it answers one request after the other."""
        started: list[tuple[str, list[tuple[str, str]]]] = []
        with self._one_at_a_time:
            chunks = self._moto(environ, lambda status, headers, _exc=None: started.append((status, headers)))
            try:
                body = b"".join(chunks)
            finally:
                if hasattr(chunks, "close"):
                    chunks.close()
        status, headers = started[-1]
        return Answer(int(status.split(" ", 1)[0]), headers, body)

    def _forget(self) -> None:
        STORE.clear()
        SESSIONS.clear()
        self.faults.clear()
        self.calls.clear()
        for extension in extensions():
            if extension.forget:
                extension.forget()

    def _control(self, environ: Environ, path: str) -> Answer:
        length = int(environ.get("CONTENT_LENGTH") or 0)
        text = environ["wsgi.input"].read(length) if length else b"null"
        try:
            return self._route(environ["REQUEST_METHOD"], path, json.loads(text))
        except NotConforming as problem:
            return json_answer({"error": str(problem), "path": problem.path}, 400)
        except ValueError as problem:
            return json_answer({"error": f"the body is no JSON: {problem}", "path": ""}, 400)

    def _route(self, method: str, path: str, body: Any) -> Answer:  # noqa: PLR0911  # a table of routes
        match method, path:
            case "POST", "/sandbox/seed":
                return json_answer({"seeded": self._seed(body)})
            case "GET", "/sandbox/calls":
                return json_answer(self.calls.rows())
            case "DELETE", "/sandbox/calls":
                self.calls.clear()
            case "POST", "/sandbox/faults":
                return json_answer({"faults": self.faults.add(body)})
            case "DELETE", "/sandbox/faults":
                self.faults.clear()
            case "GET", "/sandbox/config/tokens" | "/sandbox/config/events":
                return json_answer(list((tokens() if path.endswith("tokens") else sent()).values()))
            case "POST", "/sandbox/config/ask":
                return json_answer(self._ask_as_config(body))
            case _:
                return json_answer({"error": f"the sandbox has no {method} {path}", "path": path}, 404)
        return json_answer({})

    def _ask_as_config(self, body: Any) -> dict[str, Any]:
        with self._one_at_a_time:
            return ask(body)

    def _seed(self, body: Any) -> int:
        expect(body, dict, "body")
        service, kind, account, region = (expect(body.get(key), str, key) for key in ("service", "kind", "account", "region"))
        if (service, kind) not in self._seeders:
            known = ", ".join(sorted("/".join(pair) for pair in self._seeders))
            raise NotConforming("kind", f"{service}/{kind} cannot be seeded; these can: {known}")
        items = expect(body.get("items"), list, "items")
        with self._one_at_a_time:
            self._seeders[service, kind](account, region, items)
        return len(items)


def phrase(status: int) -> str:
    try:
        return http.HTTPStatus(status).phrase
    except ValueError:
        return "Status"
