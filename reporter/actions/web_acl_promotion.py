"""From Count to block: rules that this program attached, and that have counted long enough, are let act."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

from reporter.actions.web_acl_document import Group, Rule, group_of, named, override, rules
from reporter.actions.web_acl_world import SeenAcl, WebAcls
from reporter.core.change import ActionState, Change
from reporter.core.past import Deed, Past
from reporter.core.world import World

SUFFIX = "#promote"


def promotions(action: str, severity: str, world: World, past: Past) -> list[Change]:
    """One change per web ACL with rules that may act from now on; none for what was not read."""
    acls, days = WebAcls(world), world.settings.waf.promote_after_days
    changes: list[Change] = []
    for arn, acl in acls.seen.items():
        if acls.unread(arn):
            continue
        counting = _counting(acl, action, past, world, timedelta(days=days))
        if not counting:
            continue
        names = ", ".join(sorted(counting))
        changes.append(
            Change(
                action=action,
                target=arn + SUFFIX,
                account=acl.account,
                region=acl.region,
                severity=severity,
                reason=f"in Count for {days} days or longer in the web ACL {acl.name}: {names}; from now on it is to act (override action None)",
                before={
                    **acl.before(),
                    "rules": sorted(counting),
                    "groups": {name: list(group) for name, group in sorted(counting.items())},
                },
                after={"override_action": {"None": {}}, "rules": sorted(counting)},
                subjects=(arn,),
                facts={**acls.blast(arn), "patch": f'set OverrideAction to {{"None": {{}}}} in the rules {names} of the web ACL {acl.name}'},
                held=acls.not_ours(acl),
            )
        )
    return changes


def _counting(acl: SeenAcl, action: str, past: Past, world: World, wait: timedelta) -> dict[str, Group]:
    """Rules that a standing deed attached to this web ACL long enough ago and that still count, with their groups.

    An undone promotion begins the wait anew. What was promoted and counts again was set back by a person, and stays so.
    """
    promoted = {name for deed in past.standing(action, acl.arn + SUFFIX) for name in deed.change.after["rules"]}
    found: dict[str, Group] = {}
    for deed in past.standing(action, acl.arn):
        attached = {name: group for name, group in _attached(deed) if name not in promoted}
        for name, rule in named(rules(acl.acl), attached).items():
            undone = [one.at for one in past.of(action, acl.arn + SUFFIX) if _undid(one, name)]
            if override(rule) == "Count" and max([deed.begun, *undone]) <= world.now - wait and not deed.undoing:
                found[name] = attached[name]
    return found


def _attached(deed: Deed) -> Iterator[tuple[str, Group]]:
    """Names and groups of the rules that a deed attached in Count."""
    for rule in deed.change.after["rules"]:
        group = group_of(rule)
        if group is not None and override(rule) == "Count":
            yield rule["Name"], group


def _undid(deed: Deed, name: str) -> bool:
    return deed.state is ActionState.UNDONE and name in deed.change.after["rules"]


def with_override(listed: list[Rule], names: Mapping[str, Any], action: str) -> list[Rule]:
    """The rules, with another override action in those of these names."""
    return [{**rule, "OverrideAction": {action: {}}} if rule["Name"] in names else rule for rule in listed]
