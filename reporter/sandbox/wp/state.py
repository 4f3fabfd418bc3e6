"""The whole server's state, and the way one call takes through it: authenticate, meet a fault, pass the rate, answer, be noted down."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from reporter.sandbox.wp.answers import AnswerCheck
from reporter.sandbox.wp.auth import authenticate
from reporter.sandbox.wp.call import Call, Refused, not_found
from reporter.sandbox.wp.faults import Fault, Faults, refusal
from reporter.sandbox.wp.knobs import Clock, Knobs, changed
from reporter.sandbox.wp.rate import Rate
from reporter.sandbox.wp.routes import match
from reporter.sandbox.wp.tenant import Auth, Tenant, new_key, new_tenant

JSON = "application/json"
HTML = "text/html; charset=utf-8"
_PAGE = b"<html><head><title>Sign in</title></head><body>Please sign in.</body></html>"


@dataclass(frozen=True, slots=True)
class Answer:
    """What goes back: `broken` says how the connection spoils it ("" for not at all)."""

    status: int
    body: bytes = b""
    content_type: str = JSON
    headers: Mapping[str, str] = field(default_factory=dict)
    broken: str = ""


@dataclass(slots=True)
class _Noted:
    """What a call is known to be so far."""

    tenant: str = ""
    fault: Fault | None = None


class State:
    """Tenants, knobs, faults, calls. Everything under one lock: calls take effect one after another."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.faults = Faults()
        self.clock = Clock()
        self.reset()

    def reset(self) -> None:
        self.tenants: dict[str, Tenant] = {}
        self.knobs = Knobs()
        self.calls: list[dict[str, Any]] = []
        self.violations: list[str] = []
        self.rate = Rate()
        self.faults.lift()
        self.clock.set(None, runs=True)
        self._check: AnswerCheck | None = None

    def turn(self, changes: dict[str, Any]) -> Knobs:
        """Change knobs. Raises msgspec.ValidationError on an unknown name or a wrong value."""
        self.knobs = changed(self.knobs, changes)
        if {"now", "clock_runs"} & changes.keys():
            self.clock.set(self.knobs.now, runs=self.knobs.clock_runs)
        return self.knobs

    def add_key(self, name: str, secret: str, auth: Auth, role_id: int) -> None:
        """Give a tenant (a new one if there is none of this name) an API key; a key moves to where it was given last."""
        for other in self.tenants.values():
            other.keys = [key for key in other.keys if key.secret != secret]
        tenant = self.tenants.setdefault(name, new_tenant(name))
        tenant.keys.append(new_key(tenant, secret, auth, role_id))

    def answer(self, method: str, path: str, query: dict[str, list[str]], headers: Mapping[str, str], body: bytes) -> Answer:
        """Answer a call on a path below /api and note it down."""
        with self.lock:
            noted = _Noted()
            try:
                answer = self._spoilt(noted, self._answered(noted, method, path, query, headers, body))
            except Refused as error:
                answer = self._refused(error)
            write = method != "GET" and not path.rstrip("/").endswith("/search")
            self.calls.append({"method": method, "path": path, "status": answer.status, "tenant": noted.tenant, "write": write})
            return answer

    def _answered(self, noted: _Noted, method: str, path: str, query: dict[str, list[str]], headers: Mapping[str, str], body: bytes) -> Answer:
        tenant, key = authenticate(headers, self.tenants.values(), self.knobs)
        noted.tenant = tenant.name
        noted.fault = fault = self.faults.take(method, path, tenant.name)
        if fault is not None:
            error = refusal(fault, self.knobs)
            if error is not None:
                raise error
            if fault.fault in ("reset", "timeout") and not fault.after:
                return Answer(0)
        self.rate.pass_or_refuse(key.secret, self.knobs)
        found = match(method, path.rstrip("/") if self.knobs.trailing_slash else path)
        if found is None:
            raise not_found()
        route, ids = found
        now = self.clock.now()
        tenant.settle(now)
        try:
            value = route.handler(Call(tenant, key, self.knobs, now, ids, query, body))
        except Refused as error:
            self._check_answer(route.operation, error.status, b"")
            raise
        answer = Answer(self.knobs.delete_status) if value is None else Answer(200, msgspec.json.encode(value))
        self._check_answer(route.operation, answer.status, answer.body)
        return answer

    def _spoilt(self, noted: _Noted, answer: Answer) -> Answer:
        fault = noted.fault.fault if noted.fault else ""
        if fault == "malformed":
            return Answer(200, _PAGE, HTML)
        if fault in ("reset", "timeout"):
            return Answer(0, broken=fault)
        if fault == "error":
            raise Refused(500, "Internal Server Error")
        return Answer(answer.status, answer.body, broken=fault)

    def _check_answer(self, operation: str, status: int, body: bytes) -> None:
        if self.knobs.check_answers:
            self._check = self._check or AnswerCheck()
            self.violations += self._check.problems(operation, status, body)

    def _refused(self, error: Refused) -> Answer:
        if self.knobs.error_body == "html":
            return Answer(error.status, b"<html><body><h1>Error</h1></body></html>", HTML, error.headers)
        body = b"" if self.knobs.error_body == "empty" else msgspec.json.encode({"message": error.message})
        return Answer(error.status, body, JSON, error.headers)
