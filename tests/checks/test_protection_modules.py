"""The protection modules: what the agent says of itself, judged where schedule.yaml asks for it."""

from __future__ import annotations

from typing import Any

import pytest

from reporter.checks.protection_modules import MODULES, judge
from tests.checks.test_catalogue import ALL_MODULES
from tests.checks.worlds import instance, only, unmanaged, world_of_instances


def said(module: str, **changes: Any) -> dict[str, Any]:
    return only(judge(module, world_of_instances(instance(**changes), checks=ALL_MODULES)))


@pytest.mark.parametrize("module", MODULES)
def test_off_fails_whatever_letters_the_modules_name_contains(module: str) -> None:
    row = said(module, **{module: "off", f"{module}_message": "Off, not installed, not configured"})
    assert (row["status"], row["reason"]) == ("FAIL", f"{MODULES[module].name} is off")
    assert row["observed"] == "off: Off, not installed, not configured"


@pytest.mark.parametrize("module", MODULES)
def test_configured_but_not_running_fails_with_the_agents_words(module: str) -> None:
    row = said(module, **{module: "inactive", f"{module}_message": "Off, installed, 22 rules"})
    assert (row["status"], row["reason"]) == ("FAIL", f"{MODULES[module].name} is configured but does not run: Off, installed, 22 rules")


@pytest.mark.parametrize("module", MODULES)
def test_configured_but_not_running_without_a_message_fails_too(module: str) -> None:
    row = said(module, **{module: "inactive", f"{module}_message": None})
    assert (row["status"], row["reason"], row["observed"]) == ("FAIL", f"{MODULES[module].name} is configured but does not run", "inactive")


@pytest.mark.parametrize("module", MODULES)
def test_a_state_that_was_not_told_is_unknown(module: str) -> None:
    assert said(module, **{module: None, f"{module}_message": None})["status"] == "UNKNOWN"


@pytest.mark.parametrize("module", MODULES)
def test_a_word_that_is_not_known_here_is_unknown(module: str) -> None:
    assert said(module, **{module: "turbo"})["status"] == "UNKNOWN"


@pytest.mark.parametrize("module", MODULES)
def test_what_an_offline_agent_last_said_is_not_current(module: str) -> None:
    row = said(module, protection="offline")
    assert row["status"] == "FAIL"
    assert "is not current" in row["reason"]


@pytest.mark.parametrize("module", MODULES)
def test_a_module_that_is_not_required_is_shown_and_not_judged(module: str) -> None:
    settings = ALL_MODULES.model_copy(update={"required_modules": ()})
    row = only(judge(module, world_of_instances(instance(**{module: "off", f"{module}_message": None}), checks=settings)))
    assert (row["status"], row["observed"]) == ("NOT_APPLICABLE", "off")
    assert "not required by schedule.yaml" in row["reason"]


@pytest.mark.parametrize("module", MODULES)
def test_a_module_that_is_not_required_is_not_judged_on_an_unmanaged_instance(module: str) -> None:
    settings = ALL_MODULES.model_copy(update={"required_modules": ()})
    row = only(judge(module, world_of_instances(unmanaged(), checks=settings)))
    assert (row["status"], row["observed"]) == ("NOT_APPLICABLE", "no computer")


@pytest.mark.parametrize("module", [name for name, module in MODULES.items() if module.by_rules])
@pytest.mark.parametrize("message", ["On, no rules", "On, Prevent, 0 rules", "0 rules"])
def test_a_module_that_works_by_rules_fails_without_any(module: str, message: str) -> None:
    assert said(module, **{f"{module}_message": message})["status"] == "FAIL"


@pytest.mark.parametrize("module", [name for name, module in MODULES.items() if module.by_rules])
def test_ten_rules_are_not_no_rules(module: str) -> None:
    assert said(module, **{f"{module}_message": "On, 10 rules"})["status"] == "PASS"


def test_detect_mode_fails_and_says_so() -> None:
    row = said("intrusion_prevention", intrusion_prevention="detect")
    assert (row["status"], row["expected"]) == ("FAIL", "prevent, with rules")
    assert "detect mode" in row["reason"]


def test_prevent_mode_with_zero_rules_fails() -> None:
    assert said("intrusion_prevention", ips_rules=0)["status"] == "FAIL"


def test_prevent_mode_with_an_unknown_number_of_rules_is_unknown() -> None:
    assert said("intrusion_prevention", ips_rules=None)["status"] == "UNKNOWN"
