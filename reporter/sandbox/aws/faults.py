"""Faults: what a service, operation, account or region answers instead of the truth, for tests of what the reporter then says."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from reporter.sandbox.aws.conformance import NotConforming, expect
from reporter.sandbox.aws.error_answers import CLOSED, Answer, denied, error, expired, throttled
from reporter.sandbox.aws.recognise import Asked
from reporter.sandbox.aws.switched_off import Real, not_enabled

LONGEST_HANG_SECONDS = 30
ACCOUNT_WIDE = frozenset({"iam", "sts", "organizations", "cloudfront", "s3", "s3control"})
HTML = b"<!DOCTYPE html><html><head><title>Service</title><body><h1>We will be right back<br></h1></body></html>"


@dataclass(slots=True)
class Fault:
    """One rule. None matches everything; `left` counts down where the fault was given a number of times."""

    service: str
    operation: str | None
    account: str | None
    region: str | None
    fault: str
    left: int | None

    def matches(self, asked: Asked) -> bool:
        return (
            self.service == asked.service
            and self.operation in {None, asked.operation}
            and self.account in {None, asked.account}
            and (self.region in {None, asked.region, asked.signed_region} or (self.region == "global" and asked.service in ACCOUNT_WIDE))
            and self.left != 0
        )

    @classmethod
    def read(cls, item: Any, path: str) -> Fault:
        """One element of `POST /sandbox/faults`. Raises NotConforming."""
        expect(item, dict, path)
        unknown = sorted(set(item) - {"service", "operation", "account", "region", "fault", "times"})
        if unknown:
            raise NotConforming(f"{path}.{unknown[0]}", "no such key")
        kind = item.get("fault")
        kinds = [*ANSWERS, "timeout"]
        if kind not in kinds:
            raise NotConforming(f"{path}.fault", f"{kind!r} is none of {', '.join(kinds)}")
        texts = {key: None if item.get(key) is None else expect(item[key], str, f"{path}.{key}") for key in ("operation", "account", "region")}
        times = None if item.get("times") is None else expect(item["times"], int, f"{path}.times")
        return cls(service=expect(item.get("service"), str, f"{path}.service"), fault=kind, left=times, **texts)


class Faults:
    """The rules in force. The first that matches a request answers it."""

    def __init__(self) -> None:
        self._rules: list[Fault] = []
        self._lock = threading.Lock()
        self._released = threading.Event()

    def add(self, items: Any) -> int:
        rules = [Fault.read(item, f"faults[{i}]") for i, item in enumerate(expect(items, list, "faults"))]
        with self._lock:
            self._rules += rules
        return len(rules)

    def clear(self) -> None:
        """Forgets every rule and lets the requests go that hang."""
        with self._lock:
            self._rules.clear()
            self._released.set()
            self._released = threading.Event()

    def take(self, asked: Asked) -> str | None:
        """The fault for this request, if any; a counted one is used up by it."""
        if not self._rules:
            return None
        with self._lock:
            for rule in self._rules:
                if rule.matches(asked):
                    if rule.left is not None:
                        rule.left -= 1
                    return rule.fault
        return None

    def answer(self, kind: str, asked: Asked, real: Real) -> Answer:
        """What the fault answers. `real` asks moto, for those that spoil a true answer."""
        if kind == "timeout":
            self._released.wait(LONGEST_HANG_SECONDS)
            return CLOSED
        return ANSWERS[kind](asked, real)


def truncated(_asked: Asked, real: Real) -> Answer:
    """The first half of the true answer, with the length of the half: a body cut on its way, not on the wire."""
    whole = real()
    return Answer(whole.status, whole.headers, whole.body[: len(whole.body) // 2])


def done_then_500(asked: Asked, real: Real) -> Answer:
    """The call takes effect, and its answer says that something went wrong."""
    real()
    return error(asked, "InternalFailure", "The request processing has failed because of an unknown error, exception or failure.", 500)


ANSWERS: dict[str, Callable[[Asked, Real], Answer]] = {
    "access_denied": lambda asked, _real: denied(asked),
    "throttle": lambda asked, _real: throttled(asked),
    "expired": lambda asked, _real: expired(asked),
    "not_enabled": not_enabled,
    "malformed": lambda _asked, _real: Answer(200, [("Content-Type", "text/html")], HTML),
    "truncated": truncated,
    "done_then_500": done_then_500,
    "reset": lambda _asked, _real: CLOSED,
}
