"""What stands between one CVE and one way of being protected: state, rule identifiers and reason.

Hosts that look alike to every rule share one setup; each (setup, CVE) is judged once, in arrays, so that a million findings cost about what their
distinct pairs cost.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

import numpy as np
import pandas as pd

from reporter.core.world import World
from reporter.joins.rules import Rules

PREVENTED, DETECT_ONLY, UNTOLD, ASSIGNED, HIDDEN, AVAILABLE, GENERIC, NO_RULE = range(8)
"""Ranks: of several rules the lowest decides."""
STATES = ("prevented", "detect_only", "unknown", "assigned_not_effective", "unknown", "available", "generic_only", "no_rule")

RANK_BITS = 3
PACKED = 20
"""So many ranks fit into one integer."""

_REASONS = {
    PREVENTED: "effective on the agent, in prevent mode",
    DETECT_ONLY: "the rule or the IPS module is set to detect: it logs, it stops nothing",
    UNTOLD: "assigned, but the agent does not say whether the IPS module runs",
    HIDDEN: "an exact rule exists, and the host's policy is not among those that the key may see",
    AVAILABLE: "an exact rule exists and is not assigned",
    GENERIC: "only rules that are not exact name this CVE",
}
_LESS = "; further exact rules for this CVE that do less: "

Said = tuple[str, tuple[str, ...], str]
"""state, rule identifiers, reason"""


class Mode(IntEnum):
    """What becomes of an attack that a rule on the agent recognises."""

    PREVENT = 0
    DETECT = 1
    UNTOLD = 2
    """the agent does not say whether the module runs"""
    HINDERED = 3


@dataclass(frozen=True)
class Setup:
    """What makes two hosts equal for every CVE: tenant, policy, the rules on the agent, and how the module runs.

    `hindrance`: why rules on the agent do not work now (mode HINDERED).
    """

    tenant: str
    policy_id: int | None
    agent_rules: tuple[int, ...]
    mode: Mode
    hindrance: str


def setup_of(instance: Any, computer: Any) -> Setup:
    """How a host (record of INSTANCES) and the computer that stands for it (record of WP_COMPUTERS) look to every CVE.

    A policy counts as not yet sent while a request to send it is newer than the last success.
    """
    asked, sent = computer.last_policy_request, computer.last_policy_success
    mode, hindrance = Mode.UNTOLD, ""
    if instance.protection == "offline":
        mode, hindrance = Mode.HINDERED, "the agent is offline"
    elif instance.intrusion_prevention in ("off", "inactive"):
        mode, hindrance = Mode.HINDERED, f"the IPS module is not running ({instance.intrusion_prevention})"
    elif asked is not None and (sent is None or sent < asked):
        mode, hindrance = Mode.HINDERED, "the policy was not yet sent to the agent"
    elif instance.intrusion_prevention in ("prevent", "detect"):
        mode = Mode[instance.intrusion_prevention.upper()]
    return Setup(instance.tenant, instance.policy_id, computer.ips_rule_ids, mode, hindrance)


def shields(world: World, setups: Sequence[Setup], host: np.ndarray, cve: np.ndarray, cves: Sequence[str]) -> tuple[np.ndarray, list[Said]]:
    """For each pair (setups[host[i]], cves[cve[i]]) a code into the list of what is said: state, identifiers it rests on (sorted), reason."""
    said: list[Said] = [(STATES[NO_RULE], (), "no IPS rule names this CVE")]
    codes = np.zeros(len(host), dtype=np.int64)
    tenants = np.array([setup.tenant for setup in setups], dtype=object)
    for tenant in sorted(set(tenants)):
        rules = Rules(world, tenant, cves)
        mine = np.flatnonzero((tenants == tenant)[host] & (rules.counts[cve] > 0))
        if len(mine):
            kinds, words = _judged(rules, setups, host[mine], cve[mine])
            codes[mine] = kinds + len(said)
            said += words
    return codes, said


def _judged(rules: Rules, setups: Sequence[Setup], host: np.ndarray, cve: np.ndarray) -> tuple[np.ndarray, list[Said]]:
    """Pairs whose CVE some rule names -> a code for each, and what each code says. Hosts that have none of a CVE's rules are alike to it."""
    bare = ~_concerned(rules, setups, host, cve)
    kinds, distinct = pd.factorize(np.where(bare, -1 - cve, host * len(rules.counts) + cve))
    example = _examples(kinds, len(distinct))
    codes, words = _told(rules, setups, host[example], cve[example])
    return codes[kinds], words


def _concerned(rules: Rules, setups: Sequence[Setup], host: np.ndarray, cve: np.ndarray) -> np.ndarray:
    """Whether a rule for this CVE is on the agent or on the policy of this host, or may be."""
    agent, on_agent = rules.touched([setup.agent_rules for setup in setups])
    policy, on_policy = rules.touched([rules.of_policy.get(setup.policy_id, ()) for setup in setups])
    return np.asarray(_unseen(rules, setups)[host] | on_agent[agent[host], cve] | on_policy[policy[host], cve])


def _unseen(rules: Rules, setups: Sequence[Setup]) -> np.ndarray:
    """Hosts whose policy the key may not see."""
    return np.array([setup.policy_id is not None and setup.policy_id not in rules.of_policy for setup in setups], dtype=bool)


def _examples(kinds: np.ndarray, count: int) -> np.ndarray:
    """The first of each kind."""
    example = np.empty(count, dtype=np.int64)
    example[kinds[::-1]] = np.arange(len(kinds))[::-1]
    return example


def _told(rules: Rules, setups: Sequence[Setup], host: np.ndarray, cve: np.ndarray) -> tuple[np.ndarray, list[Said]]:
    """Pairs whose CVE some rule names, each once -> a code for each, and what each code says."""
    rule, counts = rules.naming(cve)
    starts = np.cumsum(counts) - counts
    ranks = _ranks(rules, setups, np.repeat(host, counts), rule)
    best = np.minimum.reduceat(ranks, starts)
    # pairs of one CVE whose rules have the same ranks say the same, but for the hindrance of a rule that is assigned and does not work
    nth = np.arange(len(rule)) - np.repeat(starts, counts)
    packed = np.add.reduceat(np.where(nth < PACKED, ranks << (RANK_BITS * np.minimum(nth, PACKED - 1)), 0), starts)
    packed = np.where(counts <= PACKED, packed, -1 - np.arange(len(counts)))
    causes, hindrances = pd.factorize(np.array([setup.hindrance for setup in setups], dtype=object))
    cause = np.where(best == ASSIGNED, causes[host], 0)
    kinds, distinct = pd.factorize((pd.factorize(packed)[0] * len(rules.counts) + cve) * len(hindrances) + cause)
    example = _examples(kinds, len(distinct))
    rule, counts = rules.naming(cve[example])
    kept = np.repeat(starts[example] - (np.cumsum(counts) - counts), counts) + np.arange(len(rule))
    lowest = np.repeat(best[example], counts)
    strongest = _labels(rules, rule, counts, ranks[kept] == lowest)
    weaker = _labels(rules, rule, counts, (ranks[kept] > lowest) & (ranks[kept] < GENERIC))
    lowest, why = best[example].tolist(), cause[example].tolist()
    reasons = {known: _reason(known[0], str(hindrances[known[1]])) for known in set(zip(lowest, why, strict=True))}
    return kinds, [
        (STATES[rank], labels, f"{reasons[rank, hindrance]}{_LESS}{', '.join(less)}" if less else reasons[rank, hindrance])
        for rank, hindrance, labels, less in zip(lowest, why, strongest, weaker, strict=True)
    ]


def _ranks(rules: Rules, setups: Sequence[Setup], host: np.ndarray, rule: np.ndarray) -> np.ndarray:
    """What one rule is worth on one host. The policy's own word on detection, where it has one, goes before the rule's.

    A policy that the key may not see could hold a rule that is not on the agent, and could set one that is to detect.
    """
    own = rules.held([setup.agent_rules for setup in setups], host, rule)
    assigned = own | rules.held([rules.of_policy.get(setup.policy_id, ()) for setup in setups], host, rule)
    listed = rules.held([rules.listed.get(setup.policy_id, ()) for setup in setups], host, rule)
    softened = rules.held([rules.softened.get(setup.policy_id, ()) for setup in setups], host, rule)
    detects = np.where(listed, softened, rules.detects[rule])
    mode = np.array([setup.mode for setup in setups])[host]
    unseen = _unseen(rules, setups)[host]
    cases = {
        GENERIC: ~rules.exact[rule],
        UNTOLD: own & (mode == Mode.UNTOLD),
        HIDDEN: unseen & (~own | (mode == Mode.PREVENT)),
        PREVENTED: own & (mode == Mode.PREVENT) & ~detects,
        DETECT_ONLY: own & (mode <= Mode.DETECT),
        ASSIGNED: assigned,
    }
    return np.asarray(np.select(list(cases.values()), list(cases), AVAILABLE), dtype=np.int64)


def _reason(best: int, hindrance: str) -> str:
    if best == ASSIGNED:
        return f"assigned, but {hindrance}" if hindrance else "assigned to the policy, not yet on the agent"
    return _REASONS[best]


def _labels(rules: Rules, rule: np.ndarray, counts: np.ndarray, wanted: np.ndarray) -> list[tuple[str, ...]]:
    """Runs of rules, so many each -> labels of the wanted ones of each run, each once. Rules stand in the order of their labels."""
    run = np.repeat(np.arange(len(counts)), counts)[wanted]
    flat = rules.labels[rule[wanted]].tolist()
    ends = np.searchsorted(run, np.arange(len(counts)), side="right").tolist()
    runs = (flat[start:end] for start, end in zip([0, *ends[:-1]], ends, strict=True))
    return [tuple(dict.fromkeys(run)) for run in runs] if rules.ambiguous else [tuple(run) for run in runs]
