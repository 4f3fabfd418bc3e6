"""The IPS rules of one tenant: which ids an identifier stands for there, what a rule brings along, which rules only detect."""

from __future__ import annotations

from collections.abc import Iterable

from reporter.core.world import World
from reporter.tables.workload_protection import WP_RULES


class Catalogue:
    """A rule's label is its identifier; a custom rule that has none is called by its id, as in virtual_patches."""

    def __init__(self, world: World, tenant: str) -> None:
        rules = world.table(WP_RULES)
        mine = rules[rules["tenant"] == tenant]
        self._labels: dict[int, str] = {}
        self._ids: dict[str, list[int]] = {}
        self._needs: dict[int, tuple[int, ...]] = {}
        self._detecting: set[int] = set()
        columns = ("rule_id", "identifier", "detect_only", "depends_on")
        for number, identifier, detects, needs in zip(*(mine[column] for column in columns), strict=True):
            rule_id = int(number)
            label = identifier or f"id {rule_id}"
            self._labels[rule_id] = label
            self._ids.setdefault(label, []).append(rule_id)
            self._needs[rule_id] = needs
            if bool(detects):
                self._detecting.add(rule_id)

    def ids(self, labels: Iterable[str]) -> tuple[set[int], list[str]]:
        """The ids, and what is wrong with a label that does not stand for exactly one."""
        found: set[int] = set()
        wrong: list[str] = []
        for label in sorted(set(labels)):
            standing = self._ids.get(label, [])
            found.update(standing)
            if len(standing) != 1:
                wrong.append(f"the rule {label} stands for {len(standing) or 'no'} rules of the tenant")
        return found, wrong

    def labels(self, rule_ids: Iterable[int]) -> list[str]:
        return sorted(self._labels.get(rule_id, f"id {rule_id}") for rule_id in rule_ids)

    def brings(self, rule_ids: Iterable[int]) -> tuple[set[int], list[str]]:
        """What these rules bring along, directly or not, and what is not known of it."""
        asked = set(rule_ids)
        found: set[int] = set()
        waiting = list(asked)
        while waiting:
            new = set(self._needs.get(waiting.pop(), ())) - found
            found |= new
            waiting += new
        unknown = sorted(found - self._needs.keys())
        return found - asked, [f"the rule with id {rule_id} would come along, and the tenant's catalogue does not have it" for rule_id in unknown]

    def only_detect(self, rule_ids: Iterable[int]) -> list[str]:
        """Labels of those that by themselves only detect."""
        return self.labels(self._detecting & set(rule_ids))
