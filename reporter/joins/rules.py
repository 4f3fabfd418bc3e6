"""The IPS rules of one tenant that name a CVE in question, as arrays: which rules for which CVE, which are exact, which only detect.

An *exact* rule names the CVE, lists at most ten CVEs, and is of type vulnerability, exploit, smart or custom. Rules of other types, and rules that
list more, are *generic*: they name the CVE, and nobody can say that they stop it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import chain

import numpy as np
import pandas as pd

from reporter.core.order import ranks
from reporter.core.world import World
from reporter.tables.workload_protection import WP_POLICIES, WP_POLICY_RULES, WP_RULES

EXACT_TYPES = frozenset({"vulnerability", "exploit", "smart", "custom"})
MOST_CVES = 10


class Rules:
    """Rules are known by their place: 0.. in the order of their labels (the identifier, or what stands for it)."""

    def __init__(self, world: World, tenant: str, cves: Sequence[str]) -> None:
        rules = world.table(WP_RULES)
        rules = rules.loc[rules["tenant"] == tenant, ["rule_id", "identifier", "type", "cves", "detect_only"]]
        owner, code = _named(rules["cves"], cves)
        rules, owner = _with_any(rules, owner)
        ids, labels = rules["rule_id"].to_numpy(dtype=np.int64), _labels(rules)
        order = np.lexsort((ids, ranks(pd.Series(labels))))
        self.ids = pd.Index(ids[order])
        self.labels = labels[order]
        self.ambiguous = len(set(labels)) < len(labels)
        """whether some label stands for several rules"""
        few = np.fromiter(map(len, rules["cves"]), dtype=np.int64, count=len(rules)) <= MOST_CVES
        self.exact = (rules["type"].isin(EXACT_TYPES).to_numpy(dtype=bool) & few)[order]
        self.detects = rules["detect_only"].to_numpy(dtype=bool)[order]
        place = np.empty(len(order), dtype=np.int64)
        place[order] = np.arange(len(order))
        by_cve = np.lexsort((place[owner], code))
        self._links = np.stack([code[by_cve], place[owner][by_cve]], axis=1)
        self.counts = np.bincount(code, minlength=len(cves))
        """rules that name each CVE"""
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

    def of(self, rule: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """For each rule (a place), one entry for each CVE that it names: which of these rules, the CVE, and the how manieth that the rule is of the
        CVE's own."""
        by_place = np.argsort(self._links[:, 1], kind="stable")
        cve = self._links[by_place, 0]
        nth = by_place - self._starts[cve]
        counts = np.bincount(self._links[:, 1], minlength=len(self.ids))
        times = counts[rule]
        which = np.repeat(np.arange(len(rule)), times)
        link = np.arange(len(which)) + np.repeat((np.cumsum(counts) - counts)[rule] - (np.cumsum(times) - times), times)
        return which, cve[link], nth[link]

    def held(self, lists: Sequence[tuple[int, ...]]) -> tuple[np.ndarray, np.ndarray]:
        """Number of each of these lists of rule ids among the distinct ones, and for each distinct list and rule (a place): is it on the list?"""
        objects, seen = {id(one): one for one in lists}, dict[tuple[int, ...], int]()
        number = {key: seen.setdefault(one, len(seen)) for key, one in objects.items()}  # a long list is costly to compare
        same = np.array([number[id(one)] for one in lists], dtype=np.int64)
        flat = self.ids.get_indexer(np.fromiter(chain.from_iterable(seen), dtype=np.int64))
        owner = np.repeat(np.arange(len(seen)), [len(one) for one in seen])
        found = np.zeros((len(seen), len(self.ids)), dtype=bool)
        found[owner[flat >= 0], flat[flat >= 0]] = True
        return same, found


def _named(listed: pd.Series, cves: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """For each rule one entry for each CVE in question that it names: which rule, and the CVE's code."""
    known = {name: code for code, name in enumerate(cves)}
    lists = listed.tolist()
    code = np.array([known.get(text, -1) for text in chain.from_iterable(lists)], dtype=np.int64)
    owner = np.repeat(np.arange(len(lists)), np.fromiter(map(len, lists), dtype=np.int64, count=len(lists)))
    return owner[code >= 0], code[code >= 0]


def _with_any(rules: pd.DataFrame, owner: np.ndarray) -> tuple[pd.DataFrame, np.ndarray]:
    """The rules that have an entry, and the entries' rules among those."""
    wanted = np.bincount(owner, minlength=len(rules)) > 0
    return rules.loc[wanted], (np.cumsum(wanted) - 1)[owner]


def _labels(rules: pd.DataFrame) -> np.ndarray:
    """How people call each rule: its identifier, or what stands for it."""
    nameless = (rules["identifier"].isna() | (rules["identifier"] == "")).to_numpy(dtype=bool)
    found: np.ndarray = rules["identifier"].to_numpy(dtype=object, copy=True)
    found[nameless] = [f"id {number}" for number in rules["rule_id"].loc[nameless]]
    return found


def _by_policy(listed: pd.DataFrame) -> Mapping[int | None, tuple[int, ...]]:
    return {policy: tuple(found) for policy, found in listed.groupby("policy_id")["rule_id"]}
