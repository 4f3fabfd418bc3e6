"""Evaluations -> AWS Config, with the token of the question they answer; and Config, that it is to ask the rules again after a run."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from reporter.clients.config_rules import BAD_TOKEN, BUSY, MOST_EVALUATIONS, MOST_RULES, ConfigRules
from reporter.core.action import Refused
from reporter.core.errors import ReporterError, ScopeProblem
from reporter.core.evaluation import INSTANCE
from reporter.core.wording import counted
from reporter.state.deliveries import Delivery, DeliveryState

T = TypeVar("T")

KIND = "config_rules"
PAUSES = (1.0, 4.0, 15.0)
"""seconds before evaluations that Config did not take are sent again"""
ONCE_A_MINUTE = 61.0
"""seconds after which a rule may be started again"""
THREADS = 16
TEST_TOKEN = "TESTMODE"  # noqa: S105  # no secret
"""what a trial of the function carries instead of a token, as AWS's own kit for rules does"""
NAMED = 5


@dataclass(frozen=True)
class Evaluation:
    """What one resource is told to be. `at`: when what it rests on was seen."""

    resource: str
    compliance: str
    annotation: str
    at: datetime
    resource_type: str = INSTANCE

    def as_sent(self) -> dict[str, Any]:
        return {
            "ComplianceResourceType": self.resource_type,
            "ComplianceResourceId": self.resource,
            "ComplianceType": self.compliance,
            "Annotation": self.annotation,
            "OrderingTimestamp": self.at,
        }


@dataclass(frozen=True)
class Told:
    """`calls` that it took to tell so many evaluations; `test`: Config checked them and kept nothing."""

    evaluations: int
    calls: int
    test: bool


def put(config: ConfigRules, rule: str, token: str, evaluations: Sequence[Evaluation], *, sleep: Callable[[float], None] = time.sleep) -> Told:
    """Tell Config, a hundred at a time, at least once: so it knows that it was answered. What it does not take is sent again a few times.

    Without a token, or with TESTMODE, it is a trial. Raises ReporterError for a token that Config does not know and for what it never took;
    ScopeProblem, Refused.
    """
    test = not token or token == TEST_TOKEN
    waiting, calls = list(evaluations), 0
    for pause in (0.0, *PAUSES):
        if pause:
            sleep(pause)
        failed: set[str] = set()
        for batch in batches(waiting, MOST_EVALUATIONS) if waiting else [[]]:
            failed |= set(_tell(config, rule, token or TEST_TOKEN, batch, test=test))
            calls += 1
        waiting = [one for one in waiting if one.resource in failed]
        if not waiting:
            return Told(len(evaluations), calls, test)
    raise _never_taken(config, rule, [one.resource for one in waiting], len(evaluations))


def _tell(config: ConfigRules, rule: str, token: str, batch: Sequence[Evaluation], *, test: bool) -> list[str]:
    try:
        return config.put(token, [one.as_sent() for one in batch], test=test)
    except Refused as refused:
        if refused.code != BAD_TOKEN:
            raise
        raise ReporterError(
            "AWS Config does not know the result token of this event",
            where=f"rule {rule} in {config.reader.account} {config.reader.region}",
            fix=f"let Config itself ask (StartConfigRulesEvaluation); a trial by hand has an empty token, or {TEST_TOKEN}",
            meanwhile="Config keeps what it holds",
        ) from refused


def _never_taken(config: ConfigRules, rule: str, resources: list[str], sent: int) -> ReporterError:
    named = ", ".join(resources[:NAMED]) + (f" and {len(resources) - NAMED} more" if len(resources) > NAMED else "")
    return ReporterError(
        f"AWS Config did not take {len(resources)} of {counted(sent, 'evaluation', 'evaluations')}: {named}",
        where=f"rule {rule} in {config.reader.account} {config.reader.region}",
        fix="run the rule again (StartConfigRulesEvaluation)",
        meanwhile="Config has the others, and keeps what it holds of these",
    )


def batches(items: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]


@dataclass(frozen=True)
class Standing:
    """Rules of ours that stand in an account and region; or why it is not known which."""

    account: str
    region: str
    rules: tuple[str, ...] = ()
    unread: str = ""


def start(
    places: Iterable[Standing],
    config: Callable[[str, str], ConfigRules],
    run: str,
    now: Callable[[], datetime],
    *,
    sleep: Callable[[float], None] = time.sleep,
) -> tuple[Delivery, ...]:
    """Let Config ask the rules of every place; where one was started less than a minute ago, once more after that minute. Never raises for what
    Config does not take: it is said, place by place, and once for all places without rules."""
    ordered = sorted(places, key=lambda place: (place.account, place.region))
    listed = [place for place in ordered if place.rules]
    with ThreadPoolExecutor(THREADS) as threads:
        first = dict(zip(listed, threads.map(lambda place: _started(place, config, run, now), listed), strict=True))
        busy = [place for place, (_, again) in first.items() if again]
        if busy:
            sleep(ONCE_A_MINUTE)
            first |= dict(zip(busy, threads.map(lambda place: _started(place, config, run, now), busy), strict=True))
    return (*(delivery for delivery, _ in first.values()), *_without_rules([place for place in ordered if not place.rules], run, now))


def _without_rules(places: Sequence[Standing], run: str, now: Callable[[], datetime]) -> Iterator[Delivery]:
    """What is said of places where nothing could be started."""
    unread = [place for place in places if place.unread]
    bare = [place for place in places if not place.unread]
    if unread:
        text = f"which rules stand in {_named(unread)} is not known: {unread[0].unread}"
        yield Delivery(run, "unread", "AWS Config", DeliveryState.NOT_SENT, now(), text, KIND)
    if bare:
        text = f"no rule of this reporter stands in {_named(bare)}: deploy the template that reporter stack --member prints"
        yield Delivery(run, "no_rules", "AWS Config", DeliveryState.NOT_SENT, now(), text, KIND)


def _named(places: Sequence[Standing]) -> str:
    first = ", ".join(f"{place.account} {place.region}" for place in places[:NAMED])
    return f"{first} and {len(places) - NAMED} more" if len(places) > NAMED else first


def _started(place: Standing, config: Callable[[str, str], ConfigRules], run: str, now: Callable[[], datetime]) -> tuple[Delivery, bool]:
    """What became of one place, and whether a minute may help."""

    def said(state: DeliveryState, message: str) -> Delivery:
        where = f"AWS Config of {place.account} in {place.region}"
        return Delivery(run, f"{place.account}_{place.region}", where, state, now(), message, KIND)

    try:
        for some in batches(place.rules, MOST_RULES):
            config(place.account, place.region).start(some)
    except Refused as refused:
        if refused.code in BUSY:
            text = f"a rule was started less than a minute ago, or is at work: Config asks it by its own clock ({refused.code})"
            return said(DeliveryState.REFUSED, text), True
        return said(DeliveryState.REFUSED, refused.message), False
    except ScopeProblem as problem:
        grant = f"; grant {problem.permission}" if problem.permission else ""
        return said(DeliveryState.REFUSED, f"{problem.message}{grant}"), False
    return said(DeliveryState.SENT, f"{counted(len(place.rules), 'rule was', 'rules were')} started: Config asks, and the function answers"), False
