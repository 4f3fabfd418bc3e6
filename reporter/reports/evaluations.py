"""Results -> AWS Config evaluations, kept as JSON lines until Config asks for them (core/evaluation.py says what becomes of each status)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

import pandas as pd

from reporter.core.clock import iso
from reporter.core.evaluation import CHECKS, INSTANCE, Answers, Said, annotation, evaluated, rule_name
from reporter.core.result import Status
from reporter.core.world import World
from reporter.tables.aws import EC2_INSTANCES
from reporter.tables.findings import CONFIG_COMPLIANCE

Place: TypeAlias = tuple[str, str]
"""account, region"""

POPULATION = "*"
"""resource of a result that stands for instances that could not be listed"""


def evaluations(results: pd.DataFrame, world: World, *, unknown: str, seal: str) -> Iterator[Mapping[str, Any]]:
    """Evaluations sorted by account, region, rule and resource. `unknown`: retire or non_compliant; `seal`: hash of the previous seal, or empty."""
    held = _held(world)
    rules = sorted((rule_name(world.settings.config_rule_prefix, check), check) for check in CHECKS)
    for answers in answers_of(results, world, run="", seal=seal):
        for rule, check in rules:
            known = held.get((answers.account, answers.region, rule), set())
            for resource in sorted({*answers.said.get(check, {}), *known}):
                said = evaluated(answers.of(check, resource), held=resource in known, unknown=unknown)
                if said is not None:
                    yield _row(world, answers, rule, resource, *said)


def answers_of(results: pd.DataFrame, world: World, *, run: str, seal: str) -> list[Answers]:
    """What was seen, by account and region: of every one whose instances were to be read, or for which Config holds an evaluation of ours."""
    ours = results[results["check_id"].isin(CHECKS)]
    said: dict[Place, dict[str, dict[str, Said]]] = {}
    causes: dict[Place, dict[str, str]] = {}
    columns = (ours[name] for name in ("check_id", "account", "region", "resource", "status", "reason", "waiver"))
    for check, account, region, resource, status, reason, waiver in zip(*columns, strict=True):
        place = (account, region)
        if resource == POPULATION:
            causes.setdefault(place, {})[check] = reason
        else:
            text = f"waived ({waiver}): {reason}" if status == Status.WAIVED else reason
            said.setdefault(place, {}).setdefault(check, {})[resource] = Said(Status(status), text)
    instances = world.table(EC2_INSTANCES)
    alive: dict[Place, set[str]] = {}
    for account, region, instance in zip(instances["account"], instances["region"], instances["instance_id"], strict=True):
        alive.setdefault((account, region), set()).add(instance)
    planned = {(scope.account, scope.region) for scope in world.ledger.scopes_of("ec2")}
    places = planned | said.keys() | causes.keys() | {(account, region) for account, region, _ in _held(world)}
    return [
        Answers(
            *place,
            run=run,
            read_at=world.now,
            seal=seal,
            said=said.get(place, {}),
            listed=world.read("ec2", *place),
            outside=frozenset(alive.get(place, set()).difference(*said.get(place, {}).values())),
            causes=causes.get(place, {}),
        )
        for place in sorted(places)
    ]


def _held(world: World) -> dict[tuple[str, str, str], set[str]]:
    """What Config holds for our rules today: account, region, rule -> instances."""
    ours = {rule_name(world.settings.config_rule_prefix, check) for check in CHECKS}
    held = world.table(CONFIG_COMPLIANCE)
    held = held[(held["resource_type"] == INSTANCE) & held["rule"].isin(ours)]
    found: dict[tuple[str, str, str], set[str]] = {}
    for account, region, rule, resource in zip(held["account"], held["region"], held["rule"], held["resource_id"], strict=True):
        found.setdefault((account, region, rule), set()).add(resource)
    return found


def _row(world: World, answers: Answers, rule: str, resource: str, compliance: str, text: str) -> dict[str, Any]:
    return {
        "account": answers.account,
        "region": answers.region,
        "rule": rule,
        "resource_type": INSTANCE,
        "resource_id": resource,
        "compliance": compliance,
        "annotation": annotation(text, answers.seal),
        "ordering_timestamp": iso(world.now),
    }
