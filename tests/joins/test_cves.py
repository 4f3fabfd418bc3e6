from __future__ import annotations

import numpy as np
import pytest

from reporter.joins.cves import cve, vulnerabilities
from reporter.tables.findings import INSPECTOR_FINDINGS
from tests.joins.made import HOSTILE, package


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("CVE-2024-0001", "CVE-2024-0001"),
        ("cve-2024-123456", "CVE-2024-123456"),
        ("\u00a0CVE-2024-0001 ", "CVE-2024-0001"),
        ("CVE-2024-001", None),
        ("CVE-24-0001", None),
        ("CVE-2024-0001x", None),
        ("CVE-2024-0001\x00", None),
        ("CVE-\uff12\uff10\uff12\uff14-0001", None),
        ("CVE-2024-\u0660\u0660\u0660\u0661", None),
        ("CNVD-2024-0001", None),
        ("", None),
        (HOSTILE, None),
    ],
)
def test_a_cve_is_a_year_and_at_least_four_digits_of_ascii(text: str, plain: str | None) -> None:
    assert cve(text) == plain


def test_every_finding_has_at_least_one_name_and_equal_ids_share_theirs() -> None:
    findings = INSPECTOR_FINDINGS.frame(
        [
            package(1, "i-1", "CVE-2024-0001", related_ids=("CVE-2024-0002",)),
            package(2, "i-1", "ALAS-1", related_ids=("CVE-2024-0002", "CVE-2024-0001")),
            package(3, "i-1", "ALAS-1", related_ids=()),
            package(4, "i-1", " cve-2024-0001"),
            package(5, "i-1", None, title="a title"),
        ]
    )
    found = vulnerabilities(findings, np.arange(5))
    runs = [
        list(found.names[found.code[start : start + count]]) for start, count in zip(found.start[found.kind], found.count[found.kind], strict=True)
    ]
    assert runs == [["CVE-2024-0001"], ["CVE-2024-0001", "CVE-2024-0002"], ["ALAS-1"], ["CVE-2024-0001"], ["a title"]]
    assert dict(zip(found.names, found.is_cve, strict=True)) == {"CVE-2024-0001": True, "CVE-2024-0002": True, "ALAS-1": False, "a title": False}


def test_no_findings_have_no_names() -> None:
    found = vulnerabilities(INSPECTOR_FINDINGS.frame(), np.arange(0))
    assert (len(found.kind), len(found.names)) == (0, 0)
