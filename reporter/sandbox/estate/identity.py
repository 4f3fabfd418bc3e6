"""Roles, buckets and, by construction, which role reaches which bucket's objects.

A role's `grant`: all, not_action, aws_read_only (AWS managed), one (s3:GetObject on its buckets), conditional_one (the same from one VPC
endpoint), deny_one (all but its buckets), bounded_out (all, but the boundary knows no S3), bounded_read (all, the boundary lets it read),
none. A bucket's `policy`: none, allow_role, allow_root (the account of its role), allow_conditional (its role, from one address range),
deny_role, deny_others (Deny with NotPrincipal: all but its role), deny_vpce (all but one VPC endpoint), deny_insecure, public.
"""

from __future__ import annotations

from random import Random

from reporter.sandbox.estate.spec import Bucket, Instance, Place, Role

ANY = "any"
"""A reading of the definitions either way is defensible: not asserted."""
EITHER = "allowed|conditional"

_BROAD = ("all", "not_action", "aws_read_only", "bounded_read")
_WORDS = ("none", "none", "deny_role", "deny_others", "deny_vpce", "deny_insecure", "allow_role", "allow_root", "allow_conditional")


def draw_identity(random: Random, places: tuple[Place, ...], demo: bool) -> tuple[tuple[Role, ...], tuple[Bucket, ...]]:
    """Some 14 roles an account; buckets of every policy word in every account, filled up to 60 in demo."""
    accounts = tuple(dict.fromkeys(place.account for place in places))
    buckets: list[Bucket] = []
    roles: list[Role] = []
    for position, account in enumerate(accounts):
        here = [place for place in places if place.account == account]
        other = accounts[(position + 1) % len(accounts)]
        words = [*_WORDS, *("none",) * (6 if demo else 4), *(("public",) if position == 0 else ())]
        named = {
            "deny_role": f"{account}/batch",
            "deny_others": f"{account}/batch",
            "allow_role": f"{account}/direct",
            "allow_root": f"{other}/cross",
            "allow_conditional": f"{other}/partner",
        }
        for number, word in enumerate(words):
            key = f"{account}/bucket{number:02d}"
            label = random.choice(("invoices", "exports", "archive", "media", "backups", "logs"))
            buckets.append(
                Bucket(
                    key=key,
                    place=here[number % len(here)],
                    name=f"{label}-{account}-{number:02d}",
                    policy=word,
                    role=named.get(word),
                    kms=number == 1,
                    blocked=word != "public",
                )
            )
        roles += _roles(account, [b for b in buckets if b.place.account == account])
    crossing = {b.role: b.key for b in buckets if b.policy in ("allow_root", "allow_conditional")}
    filled = tuple(
        Role(r.key, r.account, r.name, r.grant, tuple(crossing[k] for k in (r.key,) if k in crossing) or r.buckets, r.profile) for r in roles
    )
    return filled, tuple(buckets)


def _roles(account: str, buckets: list[Bucket]) -> list[Role]:
    first, second = buckets[0].key, buckets[1].key
    draft: tuple[tuple[str, str, tuple[str, ...], bool], ...] = (
        ("web", "one", (first,), True),
        ("batch", "all", (), True),
        ("analytics", "aws_read_only", (), True),
        ("sandboxed", "bounded_out", (), True),
        ("auditor", "bounded_read", (), True),
        ("vpce-reader", "conditional_one", (first, second), True),
        ("careful", "deny_one", (first,), True),
        ("direct", "none", (), True),
        ("nothing", "none", (), True),
        ("cross", "one", (), True),
        ("partner", "one", (), True),
        ("orders-task", "one", (second,), False),
        ("tools-task", "not_action", (), False),
        ("idle", "one", (first,), False),
    )
    return [Role(f"{account}/{name}", account, f"estate-{name}", grant, keys, profile) for name, grant, keys, profile in draft]


def decision(role: Role, bucket: Bucket, restricted: str) -> str | None:
    """allowed, conditional, None (denied), or EITHER, ANY where the definitions leave it open. `restricted`: the account whose OU has no S3."""
    granted = None if role.account == restricted or _denied(role, bucket) else _granted(role, bucket)
    if granted in (None, ANY):
        return granted
    if bucket.policy == "deny_others":
        return ANY  # NotPrincipal: whether a role, its session, and others of its account are spared is not said in so many words
    if bucket.policy == "deny_vpce":
        return EITHER if granted == "conditional" else "conditional"
    return EITHER if granted == "allowed" and (bucket.policy == "deny_insecure" or bucket.kms) else granted


def _granted(role: Role, bucket: Bucket) -> str | None:
    """What is allowed before any deny: either side suffices in one account, both are needed across accounts."""
    both = (_identity(role, bucket), _by_policy(role, bucket))
    if role.account == bucket.place.account:
        if role.grant == "bounded_out" and both[1] is not None:
            return ANY
        return "allowed" if "allowed" in both else both[0] or both[1]
    if None in both:
        return None
    return "conditional" if "conditional" in both else "allowed"


def _denied(role: Role, bucket: Bucket) -> bool:
    return (bucket.policy == "deny_role" and role.key == bucket.role) or (role.grant == "deny_one" and bucket.key in role.buckets)


def _identity(role: Role, bucket: Bucket) -> str | None:
    if role.grant in (*_BROAD, "deny_one"):
        return "allowed"
    if role.grant == "one" and bucket.key in role.buckets:
        return "allowed"
    return "conditional" if role.grant == "conditional_one" and bucket.key in role.buckets else None


def _by_policy(role: Role, bucket: Bucket) -> str | None:
    if bucket.policy == "public":
        return "allowed"
    if bucket.policy == "allow_root" and bucket.role is not None and bucket.role.split("/")[0] == role.account:
        return "allowed" if role.account != bucket.place.account else None
    if bucket.role != role.key:
        return None
    return {"allow_role": "allowed", "allow_conditional": "conditional"}.get(bucket.policy)


def give_roles(random: Random, instances: tuple[Instance, ...], roles: tuple[Role, ...]) -> dict[str, str]:
    """Instance key -> role key. Every role made for profiles is used where its account has a host to spare; broad ones once only."""
    given: dict[str, str] = {}
    for account in dict.fromkeys(i.place.account for i in instances):
        hosts = [i for i in instances if i.place.account == account and i.state != "terminated"]
        usable = [r for r in roles if r.account == account and r.profile]
        chosen = random.sample(hosts, min(len(hosts), len(usable)))
        given.update({host.key: role.key for host, role in zip(chosen, usable, strict=False)})
        narrow = [r for r in usable if r.name in ("estate-web", "estate-nothing", "estate-direct")]
        for host in hosts:
            if host.key not in given and random.random() < 0.5:
                given[host.key] = random.choice(narrow).key
    return given
