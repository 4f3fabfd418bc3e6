"""The function: one handler for everything that asks it, told apart by the event.

Nothing heavy is imported before an event is known: what starts fast is tried again fast.
"""

from __future__ import annotations

import json
import logging
import os
import sys
import uuid
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from reporter.core import clock
from reporter.core.errors import ReporterError, ScheduleError, Stopped
from reporter.finding_event import is_finding

if TYPE_CHECKING:
    from reporter.answering import Answering
    from reporter.handling import Handling
    from reporter.schedule import Schedule

SCHEDULE, OUT = "REPORTER_SCHEDULE", "REPORTER_OUT"
"""environment: where the schedule is; the folder that runs are built in"""
DEFAULTS = {SCHEDULE: "/etc/reporter/schedule.yaml", OUT: "/tmp/reporter"}  # noqa: S108  # the only place a function can write

Event: TypeAlias = dict[str, Any]

_log = logging.getLogger("reporter")


def handler(event: Event, context: object) -> dict[str, Any]:
    """Answer one event. Returns what was done, for the log. Raises ReporterError, so that the invocation fails and is seen to."""
    _log.setLevel(logging.INFO)
    for applies, answer in WAYS if isinstance(event, Mapping) else ():
        if applies(event):
            done = answer(event, context)
            _log.info(json.dumps(done, sort_keys=True))
            return done
    raise ReporterError(
        f"this event is none that the function answers: {_kind(event)}",
        where="the event",
        fix='a finding of GuardDuty, Inspector or Macie, a question of AWS Config, or {"job": NAME} for a run',
        meanwhile="nothing was read, written or told",
    )


def finding(event: Event, context: object) -> dict[str, Any]:
    """GuardDuty, Inspector or Macie found something: a run about that alone."""
    holder = str(getattr(context, "aws_request_id", "") or uuid.uuid4())  # the same when Lambda tries an event again
    return _hands(_path(SCHEDULE), _path(OUT)).handle(event, holder)


def config_rule(event: Event, _context: object) -> dict[str, Any]:
    """A rule of AWS Config asks."""
    return _desk(_path(SCHEDULE), _path(OUT)).answer(event)


def job(event: Event, context: object) -> dict[str, Any]:
    """The scheduled run, for estates that fit into a function's fifteen minutes; the rest runs as a task.

    It stops shortly before its time is over. Where it is tried again in the same container, it goes on from there.
    """
    from reporter.json_log import JsonLog
    from reporter.resuming import going_on
    from reporter.run import run
    from reporter.stopping import before_the_end

    schedule, name = _schedule(_path(SCHEDULE)), str(event["job"])
    if name not in schedule.jobs:
        raise ScheduleError(
            f"the schedule has no job {name!r}",
            where=f"{_path(SCHEDULE)}, jobs",
            fix=f"one of: {', '.join(sorted(schedule.jobs))}",
            meanwhile="nothing was read, written or sent",
        )
    out, now, log = Path(_path(OUT)), clock.now(), JsonLog(sys.stderr)
    try:
        with before_the_end(context) as stop:
            finished = run(schedule, out, now, job=name, watch=stop.watched(log.watch()), resume=going_on(schedule, out, now, name))
    except ReporterError as error:
        log.ended("stopped" if isinstance(error, Stopped) else "broke", error.exit_code, message=str(error))
        raise
    log.ended("incomplete" if finished.incomplete else "complete", 3 if finished.incomplete else 0, finished)
    return {
        "job": name,
        "run": str(finished.folder),
        "results": dict(finished.by_status),
        "scopes": dict(finished.by_scope_state),
        "incomplete": finished.incomplete,
        "action_failed": finished.action_failed,
    }


WAYS: tuple[tuple[Callable[[Mapping[str, Any]], bool], Callable[[Event, object], dict[str, Any]]], ...] = (
    (is_finding, finding),
    (lambda event: "invokingEvent" in event and "configRuleName" in event, config_rule),
    (lambda event: "job" in event, job),
)
"""(is it this?, answer it): the first that is, answers"""


def _kind(event: Any) -> str:
    if not isinstance(event, Mapping):
        return type(event).__name__
    named = [str(event[key]) for key in ("source", "detail-type") if event.get(key)]
    return " ".join(named) or f"an object with {', '.join(sorted(map(str, event))) or 'nothing in it'}"


def _path(name: str) -> str:
    return os.environ.get(name) or DEFAULTS[name]


@cache
def _schedule(path: str) -> Schedule:
    from reporter.schedule import load

    return load(Path(path))


@cache
def _hands(path: str, out: str) -> Handling:
    from reporter.handling import Handling

    return Handling.of(_schedule(path), Path(out), clock.now)


@cache
def _desk(path: str, out: str) -> Answering:
    """What is kept for as long as the container lives: clients and their sessions, never a tenant's key."""
    from reporter.answering import Answering

    return Answering.of(_schedule(path), Path(out), clock.now)
