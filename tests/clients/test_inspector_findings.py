"""The typed decoder of ListFindings says what boto3's own parser says."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import botocore.parsers
import msgspec
import pytest
from botocore.session import Session
from hypothesis import given
from hypothesis import strategies as st

from reporter.clients.inspector_findings import Finding, decode_findings
from tests.examples import examples

MODEL = Session().get_service_model("inspector2").operation_model("ListFindings").output_shape
TEXT = st.text(max_size=12)
INSTANTS = st.floats(min_value=0, max_value=4e9, allow_nan=False).map(lambda seconds: round(seconds, 3))


def maybe(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.none() | values


PACKAGES = st.fixed_dictionaries({}, optional={"name": TEXT, "version": maybe(TEXT), "epoch": st.integers(0, 9)})
VULNERABILITIES = st.fixed_dictionaries(
    {"vulnerabilityId": TEXT},
    optional={
        "relatedVulnerabilities": maybe(st.lists(TEXT, max_size=3)),
        "vulnerablePackages": maybe(st.lists(PACKAGES, max_size=3)),
        "source": TEXT,
    },
)
RESOURCES = st.fixed_dictionaries(
    {"id": TEXT, "type": TEXT},
    optional={"details": maybe(st.fixed_dictionaries({}, optional={"awsEcrContainerImage": maybe(st.fixed_dictionaries({"imageHash": TEXT}))}))},
)
FINDINGS = st.fixed_dictionaries(
    {"findingArn": TEXT, "type": TEXT, "severity": TEXT, "firstObservedAt": INSTANTS, "resources": st.lists(RESOURCES, max_size=3)},
    optional={
        "status": TEXT,
        "title": maybe(TEXT),
        "awsAccountId": TEXT,
        "inspectorScore": maybe(st.floats(0, 10)),
        "exploitAvailable": maybe(TEXT),
        "fixAvailable": maybe(TEXT),
        "lastObservedAt": maybe(INSTANTS),
        "updatedAt": maybe(INSTANTS),
        "packageVulnerabilityDetails": maybe(VULNERABILITIES),
        "somethingNew": st.dictionaries(TEXT, st.integers(0, 9), max_size=2),
    },
)


def boto3_parse(body: bytes) -> dict[str, Any]:
    assert MODEL is not None
    parsed: dict[str, Any] = botocore.parsers.create_parser("rest-json").parse({"body": body, "headers": {}, "status_code": 200}, MODEL)
    del parsed["ResponseMetadata"]
    return parsed


def plain(value: Any) -> Any:
    """What both sides have in common: nothing stands for null, instants are instants."""
    if isinstance(value, msgspec.Struct):
        return {name: plain(part) for name in value.__struct_fields__ if (part := getattr(value, name)) is not None}
    if isinstance(value, list | tuple):
        return [plain(element) for element in value]
    return value


def kept(value: Any, struct: Any) -> Any:
    """boto3's answer, narrowed to the struct's fields; instants as epoch seconds."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).timestamp()
    if isinstance(value, list):
        return [kept(element, struct) for element in value]
    if isinstance(value, dict):
        example = struct if struct is not None else {}
        return {name: kept(part, example.get(name)) for name, part in value.items() if name in example}
    return value


FIELDS: dict[str, Any] = {
    **dict.fromkeys(Finding.__struct_fields__),
    "packageVulnerabilityDetails": {"vulnerabilityId": None, "relatedVulnerabilities": None, "vulnerablePackages": {"name": None, "version": None}},
    "resources": {"id": None, "type": None, "details": {"awsEcrContainerImage": {"imageHash": None}}},
}


@examples(30)
@given(st.lists(FINDINGS, max_size=4), maybe(TEXT))
def test_the_typed_decoder_equals_boto3s_own_parse(findings: list[dict[str, Any]], token: str | None) -> None:
    body = json.dumps({"findings": findings, "nextToken": token, "more": {}}).encode()
    theirs, ours = boto3_parse(body), decode_findings(body)
    assert ours.get("nextToken") == theirs.get("nextToken")
    assert [plain(finding) for finding in ours["findings"]] == [kept(finding, FIELDS) for finding in theirs["findings"]]


@examples(30)
@given(st.lists(FINDINGS, min_size=1, max_size=2), st.data())
def test_no_beginning_of_a_page_is_a_page(findings: list[dict[str, Any]], data: st.DataObject) -> None:
    body = json.dumps({"findings": findings}).encode()
    cut = data.draw(st.integers(0, len(body) - 1))
    with pytest.raises(msgspec.DecodeError):
        decode_findings(body[:cut])


@pytest.mark.parametrize(
    "body",
    [b"{}", b'{"findings": null}', b'{"findings": {}}', b'{"findings": [{}]}', b'{"findings": [null]}', b"[]", b'{"message": "x"}'],
)
def test_a_page_without_whole_findings_is_broken(body: bytes) -> None:
    with pytest.raises(msgspec.DecodeError):
        decode_findings(body)
