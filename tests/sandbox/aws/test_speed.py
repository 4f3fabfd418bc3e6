from __future__ import annotations

from typing import Any

import pytest
import xmltodict
from hypothesis import given
from hypothesis import strategies as st
from moto.core.serialize import XFormedAttributePicker

from reporter.sandbox.aws.speed import RememberingPicker, unparse

from .conftest import Door

NAMES = st.sampled_from(["Item", "member", "a", "Tag-Set"])
TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")), max_size=8)
SCALARS = st.one_of(TEXTS, st.integers(), st.booleans(), st.none())
BODIES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).filter(lambda items: not any(isinstance(item, list) for item in items)),
        st.dictionaries(st.one_of(NAMES, st.sampled_from(["@xmlns", "@id"])), inner, max_size=3),
    ),
    max_leaves=12,
)


def with_plain_attributes(value: Any) -> Any:
    """Attributes hold text only; moto never writes others."""
    if isinstance(value, dict):
        return {
            key: ("text <&>\"'" if not isinstance(item, str) else item) if key.startswith("@") else with_plain_attributes(item)
            for key, item in value.items()
        }
    return [with_plain_attributes(item) for item in value] if isinstance(value, list) else value


@given(BODIES.map(with_plain_attributes).filter(lambda body: not isinstance(body, list)), st.booleans(), st.booleans())
def test_xml_is_written_as_xmltodict_writes_it(body: Any, full: bool, short: bool) -> None:
    expected = xmltodict.unparse({"Answer": body}, full_document=full, short_empty_elements=short)
    assert unparse({"Answer": body}, full_document=full, short_empty_elements=short) == expected


def test_pretty_xml_is_left_to_xmltodict() -> None:
    assert unparse({"Answer": {"a": 1}}, pretty=True) == xmltodict.unparse({"Answer": {"a": 1}}, pretty=True)


@pytest.mark.parametrize(
    ("service", "method", "more"),
    [("ec2", "describe_instances", {}), ("iam", "list_roles", {}), ("elbv2", "describe_load_balancers", {}), ("ec2", "describe_images", {})],
)
def test_answers_are_the_same_as_with_motos_own_search_for_names(
    aws: Door, monkeypatch: pytest.MonkeyPatch, service: str, method: str, more: dict[str, Any]
) -> None:
    ec2 = aws.client("ec2")
    ec2.run_instances(ImageId="ami-12c6146b", MinCount=2, MaxCount=2)
    aws.client("iam").create_role(RoleName="reader", AssumeRolePolicyDocument="{}")
    subnets = [subnet["SubnetId"] for subnet in ec2.describe_subnets()["Subnets"][:2]]
    aws.client("elbv2").create_load_balancer(Name="shop", Subnets=subnets)
    quick = [getattr(aws.client(service), method)(**more) for _ in range(2)]
    monkeypatch.setattr(RememberingPicker, "get_possible_keys", XFormedAttributePicker.get_possible_keys)
    slow = getattr(aws.client(service), method)(**more)
    for answer in (*quick, slow):
        del answer["ResponseMetadata"]
    assert quick == [slow, slow]
