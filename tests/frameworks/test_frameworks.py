"""Which checks show which controls, and what a run's results make of each."""

from __future__ import annotations

from typing import Any

import pytest

from reporter.core.result import Status
from reporter.frameworks import CONFIDENCES, CONTEXT, NO_EVIDENCE, SHORT, controls, mapping, names
from reporter.judge import discover
from reporter.tables.joined import RESULTS
from tests.reports.views import row

PCI = "PCI DSS 4.0.1"


def results(*judged: tuple[str, str]) -> Any:
    """RESULTS with one row for each (check, status)."""
    return RESULTS.frame(row(RESULTS, check_id=check, status=status, resource=f"i-{place}") for place, (check, status) in enumerate(judged))


def control(frame: Any, control_id: str, framework: str = PCI) -> dict[str, Any]:
    (found,) = controls(frame, [framework]).query("control_id == @control_id").to_dict("records")
    return {str(name): value for name, value in found.items()}


def test_every_row_names_a_check_that_there_is_a_known_confidence_and_a_framework_that_can_be_asked_for() -> None:
    assert {row.check_id for row in mapping()} == {check.id for check in discover()}
    assert {row.confidence for row in mapping()} == set(CONFIDENCES)
    assert {row.framework for row in mapping()} == set(SHORT.values())
    assert len({(row.framework, row.control_id, row.check_id) for row in mapping()}) == len(mapping())
    assert all(row.control_id and row.title and row.rationale for row in mapping())


def test_a_control_has_one_title() -> None:
    assert len({(row.framework, row.control_id, row.title) for row in mapping()}) == len({(row.framework, row.control_id) for row in mapping()})


def test_the_words_of_controls_are_english_for_their_translations_are_elsewhere() -> None:
    assert [row for row in mapping() if not (row.title + row.rationale).isascii()] == []


@pytest.mark.parametrize(
    ("judged", "status"),
    [
        (("PASS", "FAIL", "UNKNOWN", "WAIVED", "NOT_APPLICABLE"), "FAIL"),
        (("PASS", "UNKNOWN", "WAIVED"), "UNKNOWN"),
        (("PASS", "WAIVED"), "WAIVED"),
        (("PASS", "NOT_APPLICABLE"), "PASS"),
        (("NOT_APPLICABLE",), "NOT_APPLICABLE"),
        ((), NO_EVIDENCE),
    ],
)
def test_a_control_has_the_worst_status_of_its_checks_results(judged: tuple[str, ...], status: str) -> None:
    seen = control(results(*(("instance_protected", one) for one in judged)), "5.2.3")
    assert (seen["status"], seen["failing"], seen["unknown"]) == (status, judged.count("FAIL"), judged.count("UNKNOWN"))


def test_a_virtual_patch_never_closes_pci_6_3_3() -> None:
    """Shields and IPS in prevent mode may all pass: the patches themselves must be shown to be installed in time."""
    shielded = [("vulnerability_covered", "PASS"), ("intrusion_prevention_active", "PASS")]
    everything = [(check.id, "PASS") for check in discover() if check.id != "patch_outstanding"]
    for judged in (shielded, everything):
        assert control(results(*judged), "6.3.3")["status"] == NO_EVIDENCE
        assert control(results(*judged, ("patch_outstanding", "FAIL")), "6.3.3")["status"] == "FAIL"
        assert control(results(*judged, ("patch_outstanding", "UNKNOWN")), "6.3.3")["status"] == "UNKNOWN"
        assert control(results(*judged, ("patch_outstanding", "PASS")), "6.3.3")["status"] == "PASS"
    assert (control(results(), "6.3.3")["checks"], control(results(), "6.3.3")["context"]) == (
        ("patch_outstanding",),
        ("intrusion_prevention_active",),
    )


def test_context_alone_neither_closes_nor_fails_a_control() -> None:
    whole = controls(results(*((check.id, status.value) for check in discover() for status in Status)))
    alone = whole[whole["confidence"] == CONTEXT]
    assert len(alone) > 0
    assert set(alone["status"]) == {NO_EVIDENCE}
    assert alone["checks"].map(len).eq(0).all()
    assert alone["context"].map(len).gt(0).all()
    assert NO_EVIDENCE not in set(whole.loc[whole["confidence"] != CONTEXT, "status"])


def test_frameworks_are_chosen_by_either_name_and_none_chosen_is_all() -> None:
    nothing = results()
    assert set(controls(nothing)["framework"]) == set(SHORT.values())
    assert set(controls(nothing, ["pci-dss", "BSI C5:2020"])["framework"]) == {PCI, "BSI C5:2020"}
    assert set(names()) == {*SHORT, *SHORT.values()}
