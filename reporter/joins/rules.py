"""The IPS rules of one tenant that name a CVE in question, as arrays: which rules for which CVE, which are exact, which only detect.

An *exact* rule names the CVE, lists at most ten CVEs, and is of type vulnerability, exploit, smart or custom. Rules of other types, and rules that
list more, are *generic*: they name the CVE, and nobody can say that they stop it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Any

import numpy as np
import pandas as pd

from reporter.core.world import World
from reporter.joins.records import records
from reporter.tables.workload_protection import WP_POLICIES, WP_POLICY_RULES, WP_RULES

EXACT_TYPES = frozenset({"vulnerability", "exploit", "smart", "custom"})
MOST_CVES = 10
DENSE = 1 << 28
"""Lists times rules up to which a table of bytes is the faster way to ask what is on which list."""


class Rules:
    """Rules are known by their place: 0.. in the order of their labels (the identifier, or what stands for it)."""

    def __init__(self, world: World, tenant: str, cves: Sequence[str]) -> None:
        known = {name: code for code, name in enumerate(cves)}
        rules = world.table(WP_RULES)
        rules = rules.loc[rules["tenant"] == tenant, ["rule_id", "identifier", "type", "cves", "detect_only"]]
        named = [rule for rule in records(rules) if not known.keys().isdisjoint(rule.cves)]
        named.sort(key=lambda rule: (_label(rule), rule.rule_id))
        self.ids = pd.Index([rule.rule_id for rule in named], dtype="int64")
        self.labels = np.array([_label(rule) for rule in named], dtype=object)
        self.ambiguous = len(set(self.labels)) < len(self.labels)
        """whether some label stands for several rules"""
        self.exact = np.array([rule.type in EXACT_TYPES and len(rule.cves) <= MOST_CVES for rule in named], dtype=bool)
        self.detects = np.array([rule.detect_only for rule in named], dtype=bool)
        links = sorted((known[text], place) for place, rule in enumerate(named) for text in rule.cves if text in known)
        self._links = np.array(links, dtype=np.int64).reshape(-1, 2)
        self.counts = np.bincount(self._links[:, 0], minlength=len(known))
        self._starts = np.cumsum(self.counts) - self.counts
        policies = world.table(WP_POLICIES)
        mine = policies[policies["tenant"] == tenant]
        self.of_policy: Mapping[int | None, tuple[int, ...]] = dict(zip(mine["policy_id"], mine["ips_rule_ids"], strict=True))
        listed = world.table(WP_POLICY_RULES)
        listed = listed[(listed["tenant"] == tenant) & listed["rule_id"].isin(self.ids)]
        self.listed = _by_policy(listed)
        self.softened = _by_policy(listed[listed["detect_only"]])

    def naming(self, cve: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """For each CVE (a code): all rules that name it, one after the other, and how many those are."""
        counts = self.counts[cve]
        nth = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
        return self._links[np.repeat(self._starts[cve], counts) + nth, 1], counts

    def held(self, lists: Sequence[tuple[int, ...]], which: np.ndarray, place: np.ndarray) -> np.ndarray:
        """Whether the rule at place[i] is among the rule ids of lists[which[i]]. Equal lists are looked at once."""
        same, owner, held = self._holding(lists)
        count = int(same.max(initial=-1)) + 1
        pairs, asked = owner * len(self.ids) + held, same[which] * len(self.ids) + place
        if count * len(self.ids) <= DENSE:
            member = np.zeros(count * len(self.ids), dtype=bool)
            member[pairs] = True
            return np.asarray(member[asked])
        return np.asarray(pd.Index(pairs).get_indexer(asked) >= 0)

    def touched(self, lists: Sequence[tuple[int, ...]]) -> tuple[np.ndarray, np.ndarray]:
        """Number of each of these lists among the distinct ones, and for each distinct list and CVE: does a rule on the list name the CVE?"""
        same, owner, held = self._holding(lists)
        by_place = self._links[np.argsort(self._links[:, 1], kind="stable"), 0]
        counts = np.bincount(self._links[:, 1], minlength=len(self.ids))
        times = counts[held]
        nth = np.arange(times.sum()) - np.repeat(np.cumsum(times) - times, times)
        found = np.zeros((int(same.max(initial=-1)) + 1, len(self.counts)), dtype=bool)
        found[np.repeat(owner, times), by_place[np.repeat((np.cumsum(counts) - counts)[held], times) + nth]] = True
        return same, found

    def _holding(self, lists: Sequence[tuple[int, ...]]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Number of each list among the distinct ones; and which of those holds which rule (by place), pair by pair."""
        seen: dict[tuple[int, ...], int] = {}
        same = np.array([seen.setdefault(found, len(seen)) for found in lists], dtype=np.int64)
        flat = self.ids.get_indexer(pd.Index(list(chain.from_iterable(seen)), dtype="int64"))
        owner = np.repeat(np.arange(len(seen)), [len(found) for found in seen])
        return same, owner[flat >= 0], flat[flat >= 0]


def _label(rule: Any) -> str:
    return rule.identifier or f"id {rule.rule_id}"


def _by_policy(listed: pd.DataFrame) -> Mapping[int | None, tuple[int, ...]]:
    return {policy: tuple(found) for policy, found in listed.groupby("policy_id")["rule_id"]}
