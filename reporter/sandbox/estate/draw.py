"""Draws an estate. Pure: the same seed, size and instant give the same estate."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from random import Random

from reporter.sandbox.estate.alerts import draw_guardduty, draw_macie
from reporter.sandbox.estate.containers import draw_containers
from reporter.sandbox.estate.hosts import draw_computers, draw_instances
from reporter.sandbox.estate.identity import draw_identity, give_roles
from reporter.sandbox.estate.policies import draw_tenant
from reporter.sandbox.estate.rules import draw_catalogue
from reporter.sandbox.estate.spec import Estate, Place, Services
from reporter.sandbox.estate.vulnerabilities import VulnerabilityDraft
from reporter.sandbox.estate.web import WebDraft

ACCOUNTS = ("111122223333", "222233334444", "333344445555", "444455556666")
"""The first is the management account; the last of those in use stands in the organisational unit without S3."""


@dataclass(frozen=True)
class Size:
    """How much is drawn. Numbers of findings are totals; `off` gives places by (account, region) position with what is off there."""

    accounts: int
    regions: tuple[str, ...]
    hosts: int
    web: int
    container_hosts: int
    guardduty: int
    inspector: int
    macie: int
    off: dict[tuple[int, int], Services]


SIZES = {
    "small": Size(
        accounts=2,
        regions=("eu-central-1", "us-east-1"),
        hosts=9,
        web=2,
        container_hosts=2,
        guardduty=16,
        inspector=64,
        macie=20,
        off={
            (0, 1): Services(guardduty=False, recorder="stopped"),
            (1, 0): Services(inspector=False),
            (1, 1): Services(macie=False, recorder="absent"),
        },
    ),
    "demo": Size(
        accounts=4,
        regions=("eu-central-1", "eu-west-1", "us-east-1"),
        hosts=25,
        web=5,
        container_hosts=4,
        guardduty=600,
        inspector=4200,
        macie=200,
        off={
            (0, 1): Services(macie=False),
            (1, 1): Services(recorder="stopped"),
            (1, 2): Services(inspector=False),
            (2, 2): Services(recorder="absent"),
            (3, 1): Services(guardduty=False),
        },
    ),
}


def draw(seed: int, size: str, now: datetime, tenants: int = 1) -> Estate:
    """`size`: small, demo. Raises KeyError for another word."""
    plan = SIZES[size]
    random = Random(f"{seed} {size}")  # noqa: S311  # an estate, no secret
    accounts = ACCOUNTS[: plan.accounts]
    places = tuple(Place(a, r) for a in accounts for r in plan.regions)
    catalogue = draw_catalogue(random, size)
    names = (("main", "sandbox-wp-main"), ("subsidiary", "sandbox-wp-subsidiary"))[:tenants]
    drawn_tenants = tuple(draw_tenant(random, name, key, catalogue) for name, key in names)
    estate = Estate(
        seed=seed,
        size=size,
        now=now,
        accounts=accounts,
        regions=plan.regions,
        restricted_account=accounts[-1],
        services={Place(a, r): plan.off.get((i, j), Services()) for i, a in enumerate(accounts) for j, r in enumerate(plan.regions)},
        trend_groups_account=accounts[1] if size == "demo" else None,
        catalogue=catalogue,
        tenants=drawn_tenants,
    )
    roles, buckets = draw_identity(random, places, size == "demo")
    layout = {"hosts": plan.hosts, "web": plan.web}
    instances = draw_instances(random, places, layout, now)
    clusters, members, images, tasks = draw_containers(random, places, instances, roles, plan.container_hosts)
    given = give_roles(random, instances, roles)
    instances = tuple(replace(i, role=given.get(i.key), cluster=members.get(i.key)) for i in instances)
    acls, balancers, distributions = WebDraft(places, instances, tasks, estate.trend_groups_account).draw()
    estate = replace(
        estate,
        instances=instances,
        clusters=clusters,
        images=images,
        tasks=tasks,
        roles=roles,
        buckets=buckets,
        web_acls=acls,
        load_balancers=balancers,
        distributions=distributions,
        tenants=draw_computers(random, drawn_tenants, instances, now),
        uncovered_by_inspector=frozenset(i.key for i in instances if i.profile in ("unmanaged", "stopped_unmanaged")),
    )
    return replace(
        estate,
        guardduty=draw_guardduty(random, estate, plan.guardduty),
        inspector=VulnerabilityDraft(random, estate).draw(plan.inspector),
        macie=draw_macie(random, estate, plan.macie),
    )
