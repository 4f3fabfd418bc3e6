"""Which WP computers stand for which instance, and which of several is the one to believe.

Joined on (account id, instance id), both exact, the instance id lower-cased. A computer that does not say its account is taken only where exactly one
instance has its id. Several computers for one instance are normal (a connector's record and an agent's own, or a stale one): the rank is agent
active > has a fingerprint > newest contact > highest id; the rest are reported as duplicates.
"""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd


@dataclass(frozen=True)
class Match:
    """For each instance (by position): the computer that stands for it and the others, as positions in the computers frame."""

    best: dict[int, int]
    others: dict[int, tuple[int, ...]]


def match(instances: pd.DataFrame, computers: pd.DataFrame) -> Match:
    """Frames of ec2_instances and wp_computers -> Match."""
    keyed = computers.reset_index(drop=True)
    keyed = keyed.assign(position=range(len(keyed)))
    keyed = keyed[keyed["instance_id"].notna()]
    keyed = keyed.assign(instance_id=keyed["instance_id"].str.lower())
    wanted = pd.DataFrame({"account": instances["account"], "instance_id": instances["instance_id"], "instance": range(len(instances))})
    named = keyed[keyed["account"].notna()].merge(wanted, on=["account", "instance_id"])
    single = wanted[~wanted["instance_id"].duplicated(keep=False)].drop(columns="account")
    nameless = keyed[keyed["account"].isna()].merge(single, on="instance_id")
    found = pd.concat([named, nameless], ignore_index=True)
    if found.empty:
        return Match({}, {})
    ranked = found.assign(active=found["agent_status"] == "active").sort_values(
        ["instance", "active", "has_agent", "last_contact", "computer_id", "tenant"],
        ascending=[True, False, False, False, False, True],
        na_position="last",
        kind="stable",
    )
    best: dict[int, int] = {}
    others: dict[int, list[int]] = {}
    for instance, position in zip(ranked["instance"], ranked["position"], strict=True):
        if instance in best:
            others.setdefault(int(instance), []).append(int(position))
        else:
            best[int(instance)] = int(position)
    return Match(best, {instance: tuple(positions) for instance, positions in others.items()})
