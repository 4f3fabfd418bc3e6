"""A web ACL as WAF takes it back: which of its members an update writes, their hash, its rules, and what would be lost on the way.

UpdateWebACL replaces the whole of a web ACL, so that every member which it takes has to be given as it was read. Which members those are is said by
botocore's own model, not by a list here; what WAF answers and that model does not know could not be given back, and is looked for.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from typing import Any

from botocore.loaders import Loader
from botocore.model import ListShape, MapShape, ServiceModel, Shape, StructureShape

from reporter.core.answers import canonical

Rule = Mapping[str, Any]
Group = tuple[str, str]
"""vendor, name of a managed rule group"""

_EMPTY: tuple[Any, ...] = (None, "", [], {})
"""What WAF answers for a member that is not set, and does not take back."""

_FIREWALL_MANAGER = ("PreProcessFirewallManagerRuleGroups", "PostProcessFirewallManagerRuleGroups")


@cache
def _shape() -> StructureShape:
    model = ServiceModel(Loader().load_service_model("wafv2", "service-2"), "wafv2")
    answer = model.operation_model("GetWebACL").output_shape
    assert answer is not None  # noqa: S101  # the model's own: an answer without members would be no answer
    shape = answer.members["WebACL"]
    assert isinstance(shape, StructureShape)  # noqa: S101
    return shape


@cache
def written() -> tuple[str, ...]:
    """Members that a web ACL has and UpdateWebACL takes, sorted; identity (Name, Id) among them."""
    model = ServiceModel(Loader().load_service_model("wafv2", "service-2"), "wafv2")
    taken = model.operation_model("UpdateWebACL").input_shape
    return tuple(sorted(set(_shape().members) & set(taken.members if taken is not None else ())))


def document(acl: Mapping[str, Any]) -> dict[str, Any]:
    """What an update writes of a web ACL, without the members that are not set."""
    return {name: acl[name] for name in written() if acl.get(name) not in _EMPTY}


def digest(acl: Mapping[str, Any]) -> str:
    """sha256 of document(acl): the same for a web ACL as read and for its canonical JSON; lock token and capacity do not count."""
    plain = json.loads(canonical(dict(acl)))
    return hashlib.sha256(canonical(document(plain)).encode()).hexdigest()


def differences(one: Mapping[str, Any], other: Mapping[str, Any]) -> list[str]:
    """Names of the members in which two web ACLs differ, as far as an update writes them."""
    left, right = document(one), document(other)
    return [name for name in written() if canonical(left.get(name)) != canonical(right.get(name))]


def lost(acl: Any) -> list[str]:
    """Paths in the JSON of a web ACL, as WAF sent it, that botocore's model does not know: an update would drop them."""
    return sorted(_unknown(acl, _shape(), "WebACL"))


def _unknown(value: Any, shape: Shape, path: str) -> Iterator[str]:
    if isinstance(shape, StructureShape) and isinstance(value, Mapping):
        for name, inner in value.items():
            member = shape.members.get(name)
            if member is not None:
                yield from _unknown(inner, member, f"{path}.{name}")
            elif inner is not None:
                yield f"{path}.{name}"
    elif isinstance(shape, ListShape) and isinstance(value, Sequence) and not isinstance(value, str):
        for item in value:
            yield from _unknown(item, shape.member, f"{path}[]")
    elif isinstance(shape, MapShape) and isinstance(value, Mapping):
        for item in value.values():
            yield from _unknown(item, shape.value, f"{path}.*")


def rules(acl: Mapping[str, Any]) -> list[Rule]:
    return list(acl.get("Rules") or [])


def group_of(rule: Rule) -> Group | None:
    """The managed rule group that a rule stands for, if it does."""
    statement = rule.get("Statement") or rule.get("FirewallManagerStatement") or {}
    managed = statement.get("ManagedRuleGroupStatement")
    return None if managed is None else (str(managed.get("VendorName", "")), str(managed.get("Name", "")))


def groups(acl: Mapping[str, Any]) -> set[Group]:
    """Managed rule groups in a web ACL, those that Firewall Manager put before and after its rules included."""
    listed = [*rules(acl), *(group for side in _FIREWALL_MANAGER for group in acl.get(side) or [])]
    return {group for rule in listed if (group := group_of(rule)) is not None}


def override(rule: Rule) -> str:
    """What a rule does with its group's actions: Count, None (the group's own actions act); "" where it says neither."""
    return next(iter(sorted(rule.get("OverrideAction") or {})), "")


def named(listed: Iterable[Rule], wanted: Mapping[str, Group]) -> dict[str, Rule]:
    """Of these rules those that bear one of the names and still stand for the group that belongs to it."""
    return {rule["Name"]: rule for rule in listed if rule["Name"] in wanted and group_of(rule) == wanted[rule["Name"]]}
