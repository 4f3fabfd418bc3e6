"""Inspector's report of findings, decoded in chunks."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reporter.clients.inspector_findings import Finding, decode_findings
from reporter.clients.inspector_report import decoded

NASTY = ("plain", 'a "quoted" }] text', "}, {", '],"findings":[', '\\"findingArn\\": "x"', '"findingArn"', "\\", "ünï ", "")


def finding(number: int, text: str = "plain") -> dict[str, Any]:
    return {
        "awsAccountId": "111122223333",
        "description": text * 3,
        "findingArn": f"arn:aws:inspector2:eu-central-1:111122223333:finding/{number}",
        "firstObservedAt": 1_760_000_000.5,
        "packageVulnerabilityDetails": {"cvss": [{"source": text}, {}], "vulnerabilityId": "CVE-2026-1", "vulnerablePackages": [{"name": text}]},
        "resources": [{"id": "i-1", "type": "AWS_EC2_INSTANCE", "tags": {text: text}}],
        "severity": "HIGH",
        "title": text,
        "type": "PACKAGE_VULNERABILITY",
    }


def read(body: bytes, part: int) -> list[Finding]:
    return list(decoded(body[start : start + part] for start in range(0, len(body), part)))


@settings(max_examples=40)
@given(st.lists(st.sampled_from(NASTY), max_size=9), st.integers(1, 3000), st.booleans(), st.sampled_from([None, 2]))
def test_a_report_is_what_a_page_with_the_same_findings_is(texts: list[str], part: int, wrapped: bool, indent: int | None) -> None:
    findings = [finding(number, text) for number, text in enumerate(texts)]
    body = json.dumps({"findings": findings} if wrapped else findings, indent=indent).encode()
    assert read(body, part) == decode_findings(json.dumps({"findings": findings}).encode())["findings"]


@pytest.fixture
def body() -> bytes:
    return json.dumps({"findings": [finding(number) for number in range(7)]}).encode()


def test_the_first_findings_are_there_before_the_last_part_is_asked_for(body: bytes) -> None:
    asked = iter(range(0, len(body), len(body) // 7))
    first = next(decoded(body[start : start + len(body) // 7] for start in asked))
    assert first.findingArn.endswith("finding/0")
    assert len(list(asked)) >= 3


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 0.999])
def test_a_truncated_report_is_an_error(body: bytes, share: float) -> None:
    with pytest.raises(msgspec.DecodeError):
        read(body[: int(len(body) * share)], 500)


@pytest.mark.parametrize("text", [b"", b"<html>", b"{}", b'{"findings": {}}', b'{"findings": []', b'{"findings": [{"a": 1}]}', b"\x00" * 5000])
def test_what_is_no_report_is_an_error(text: bytes) -> None:
    with pytest.raises(msgspec.DecodeError):
        read(text, 64)


def test_findings_without_a_comma_between_them_are_an_error(body: bytes) -> None:
    with pytest.raises(msgspec.DecodeError):
        read(body.replace(b"}, {" + b'"awsAccountId"', b'} {"awsAccountId"'), 900)
