from __future__ import annotations

import pytest

import reporter.self_testing as testing
from reporter.self_testing import KNOWN, self_test


def test_the_engine_gives_the_known_answers() -> None:
    said = self_test()
    assert said["passed"]
    assert len(said["answers"]) == len(KNOWN)
    assert said["outside_the_scope"] == []


def test_another_answer_does_not_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(testing.KNOWN, ("agent_online", "i-protected"), "FAIL")
    said = self_test()
    assert not said["passed"]
    assert [one["instance"] for one in said["answers"] if one["known"] != one["answered"]] == ["i-protected"]
