"""Propose: results -> changes within their limits. The plan is hashed, so that a person can approve exactly this and nothing else."""

from __future__ import annotations

import hashlib
import importlib
import json
import pkgutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import reporter.actions
from reporter.core.action import Action
from reporter.core.change import Change
from reporter.core.clock import iso, parse
from reporter.core.errors import ScheduleError
from reporter.core.past import Past
from reporter.core.world import World
from reporter.schedule import Actions, Schedule

VALID_FOR = timedelta(hours=24)
LIMIT_WINDOW = timedelta(hours=24) - timedelta(minutes=15)
"""24 hours from the start of one run to the start of the next; a nightly job that starts some minutes earlier than yesterday is a day later"""
LIMIT_REACHED = "limit reached"


def discover() -> tuple[Action, ...]:
    """Every file in actions/ that declares ACTION, by name."""
    modules = (importlib.import_module(f"reporter.actions.{module.name}") for module in pkgutil.iter_modules(reporter.actions.__path__))
    found = (getattr(module, "ACTION", None) for module in modules)
    return tuple(sorted((action for action in found if isinstance(action, Action)), key=lambda action: action.name))


def modes(settings: Actions, actions: Iterable[Action]) -> dict[str, str]:
    """Action -> off, plan or apply."""
    return {action.name: action.mode(settings) for action in actions}


def propose(world: World, past: Past, settings: Actions, actions: Iterable[Action]) -> list[Change]:
    """What every action that is not off would change, worst first. What goes over a limit is there too, held back with the reason."""
    changes: list[Change] = []
    for action in actions:
        if action.mode(settings) != "off":
            within = limited(action.plan(world, past, settings), action, past, settings, world.now)
            free = [change for change in within if not change.held]
            changes += [*action.combine(free, world), *(change for change in within if change.held)]
    return sorted(changes, key=lambda change: change.rank)


def limited(changes: Iterable[Change], action: Action, past: Past, settings: Actions, now: datetime) -> list[Change]:
    """The first so many subjects by severity and key; the rest is held back. What earlier runs did within 24 hours counts."""
    most = action.limit(settings)
    done = past.subjects_since(action.name, now - LIMIT_WINDOW)
    kept: list[Change] = []
    full = False
    for change in sorted(changes, key=lambda change: change.rank):
        if change.held or most is None:
            kept.append(change)
            continue
        full = full or done + len(change.subjects) > most
        if full:
            kept.append(replace(change, held=f"{LIMIT_REACHED}: {action.name} may touch {most} in 24 hours"))
        else:
            done += len(change.subjects)
            kept.append(change)
    return kept


def plan(
    run_id: str, changes: Sequence[Change], modes: Mapping[str, str], now: datetime, identity: str = "", schedule: Schedule | None = None
) -> dict[str, Any]:
    """plan.json: the proposed changes with before and after, what each action may do, the hash of all of it, and when the plan expires.

    `identity`: ARN of whoever the job ran as. `schedule`: what it ran by; the plan holds its hash, so that an approved plan is never applied by
    another one: another server, another role, other limits.
    """
    rows = [{**change.as_json(), "state": "skipped" if change.held else "planned"} for change in changes]
    body = {
        "run": run_id,
        "identity": identity,
        "schedule": "" if schedule is None else schedule_digest(schedule),
        "modes": dict(sorted(modes.items())),
        "changes": rows,
        "expires": iso(now + VALID_FOR),
    }
    return {**body, "hash": digest(body)}


def schedule_digest(schedule: Schedule) -> str:
    """SHA-256 of a schedule as it was understood; secrets are references there."""
    return digest(json.loads(schedule.model_dump_json()))


def digest(plan: Mapping[str, Any]) -> str:
    """The hash of a plan: of everything in it but the hash itself. The order of names makes no difference."""
    body = {name: value for name, value in plan.items() if name != "hash"}
    canonical = json.dumps(body, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode()
    return hashlib.sha256(canonical).hexdigest()


def changes_of(plan: Mapping[str, Any], where: str) -> list[Change]:
    """The changes of a stored plan. Raises ScheduleError where it is no plan, or not the one its hash is of."""
    try:
        said, found = plan["hash"], [Change.of(row) for row in plan["changes"]]
        parse(plan["expires"])
        made = digest(plan)  # half a character has no bytes, so no hash
    except (KeyError, TypeError, ValueError) as error:
        raise ScheduleError(f"this is no plan: {type(error).__name__}", where=where, fix="the plan.json that a run wrote") from error
    if said != made:
        raise ScheduleError(
            "the plan is not the one its hash was made of: it was edited",
            where=where,
            fix="run again, and approve that run's plan",
            meanwhile="nothing was changed",
        )
    return found
