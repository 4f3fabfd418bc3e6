"""Draws the instances and their WP computers, profile by profile."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from random import Random
from typing import Any

from reporter.sandbox.estate.profiles import PROFILES, Profile
from reporter.sandbox.estate.spec import Instance, Place
from reporter.sandbox.estate.spec_wp import Computer, Tenant

_OWNERS = ("payments", "orders", "platform", "analytics", "payments", "orders", None)
_TYPES = ("t3.micro", "m5.large", "c5.xlarge")

_WORDS: dict[str, dict[str, Any]] = {
    "active": {},
    "lagging": {"lacks": ("lag",)},
    "warning": {"agent_status": "warning", "messages": ("Update of Configuration Pending",)},
    "no_anti_malware": {"anti_malware": False},
    "upper_case": {"upper_case": True},
    "nameless": {"display_name": ""},
    "newer_words": {"newer_words": True},
    "no_connector": {"summary": "no_connector"},
    "silent": {"last_contact": 72},
    "error": {"agent_status": "error", "messages": ("Offline", "Multiple Errors")},
    "offline_message": {"agent_status": "warning", "messages": ("Offline",)},
    "inactive": {"agent_status": "inactive", "messages": ("Reactivation Required",), "last_contact": 400},
    "not_supported": {"agent_status": "not-supported", "messages": ("Unmanaged (Unknown)",)},
    "connector": {"agent_status": "inactive", "messages": ("Unmanaged (Unknown)",), "fingerprint": False, "last_contact": None, "policy": None},
    "stale": {"agent_status": "inactive", "messages": ("Unmanaged (Unknown)",), "last_contact": 2000},
    "no_summary": {"summary": ""},
}
"""How each kind of record differs from a healthy one; last_contact in hours before now."""


def draw_instances(random: Random, places: tuple[Place, ...], layout: dict[str, Any], now: datetime) -> tuple[Instance, ...]:
    """`layout`: hosts (a place), web (hosts meant for load balancers, first in each place). Every pitfall occurs before any repeats."""
    queue = [name for name in PROFILES if name not in ("web", "webapp", "linux")]
    names, weights = list(PROFILES), [p.weight for p in PROFILES.values()]
    instances: list[Instance] = []
    for place in places:
        for number in range(layout["hosts"]):
            if number < layout["web"]:
                profile = ("web", "webapp", "web", "linux")[number % 4]
            elif queue:
                profile = queue.pop(0)
            else:
                profile = random.choices(names, weights)[0]
            instances.append(_instance(random, len(instances), place, profile, now))
    return tuple(instances)


def _instance(random: Random, number: int, place: Place, profile: str, now: datetime) -> Instance:
    draft: Profile = PROFILES[profile]
    age = timedelta(minutes=20) if draft.young else timedelta(hours=random.randint(30, 4000))
    return Instance(
        key=f"host{number:03d}",
        place=place,
        name=f"{draft.policy or 'server'}-{number:03d}",
        owner=random.choice(_OWNERS),
        state=draft.state,
        launched=now - age,
        instance_type=random.choice(_TYPES),
        profile=profile,
        protection=draft.protection,
        policy=draft.policy,
    )


def draw_computers(random: Random, tenants: tuple[Tenant, ...], instances: tuple[Instance, ...], now: datetime) -> tuple[Tenant, ...]:
    """Tenants with their computers; with two tenants the second holds the last account's hosts."""
    last = instances[-1].place.account
    found: dict[str, list[Computer]] = {tenant.name: [] for tenant in tenants}
    number = 100
    for instance in instances:
        tenant = tenants[-1] if instance.place.account == last else tenants[0]
        profile = PROFILES[instance.profile]
        words = [profile.computer] if profile.computer else []
        made = []
        for word in (*words, *profile.beside):
            number += random.randint(1, 9)
            made.append(_computer(random, tenant.name, number, instance, word, profile, now))
        if random.random() < 0.5 and len(made) > 1:  # the record that stands is not always the one with the lower id
            low, high = made[0].computer_id, made[1].computer_id
            made[:2] = [replace(made[0], computer_id=high), replace(made[1], computer_id=low)]
        found[tenant.name].extend(made)
    for tenant in tenants:
        number += 1
        found[tenant.name].append(_laptop(tenant.name, number, now))
    return tuple(replace(tenant, computers=tuple(found[tenant.name])) for tenant in tenants)


def _computer(random: Random, tenant: str, number: int, instance: Instance, word: str, profile: Profile, now: datetime) -> Computer:
    change = dict(_WORDS[word])
    hours = change.pop("last_contact", random.choice((0.1, 0.5, 2, 12, 22)))
    contact = None if hours is None else now - timedelta(hours=hours)
    sent = contact and contact - timedelta(hours=random.randint(24, 300))
    usual: dict[str, Any] = {
        "tenant": tenant,
        "computer_id": number,
        "instance": instance.key,
        "summary": "ec2",
        "host_name": f"ip-10-0-{number // 250 % 250}-{number % 250}.{instance.place.region}.compute.internal",
        "display_name": instance.name,
        "policy": profile.policy,
        "agent_status": "active",
        "messages": ("Managed (Online)",),
        "fingerprint": True,
        "ips": profile.ips,
        "last_contact": contact,
        "policy_sent": sent and ((sent, sent + timedelta(seconds=5)) if profile.ips != "pending" else (now - timedelta(hours=1), sent)),
        "integrity_scan": contact and _scan(random, now),
        "recommendation_scan": contact and _scan(random, now),
    }
    usual["recommendation_status"] = "valid" if usual["recommendation_scan"] else "none"
    return Computer(**{**usual, **change})


def _scan(random: Random, now: datetime) -> datetime | None:
    hours = random.choice((2, 5, 30, 100, 300, 900, None))
    return None if hours is None else now - timedelta(hours=hours)


def _laptop(tenant: str, number: int, now: datetime) -> Computer:
    """A computer that is no EC2 instance at all."""
    return Computer(
        tenant=tenant,
        computer_id=number,
        instance=None,
        summary="",
        host_name="office-laptop-1",
        display_name="office-laptop-1",
        policy="base",
        agent_status="active",
        messages=("Managed (Online)",),
        fingerprint=True,
        last_contact=now - timedelta(hours=1),
    )
