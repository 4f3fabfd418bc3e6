from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest

from reporter.aws_lambda import handler
from reporter.core import clock
from reporter.core.errors import ReporterError, Stopped
from reporter.core.evaluation import CHECKS, Answers, Said
from reporter.core.result import Status
from reporter.history.stored import read_table
from reporter.sandbox.wp.faults import Fault
from reporter.state.config_rules import keep, last_asked
from reporter.state.deliveries import DeliveryState
from reporter.tables.deliveries import DELIVERIES
from tests.rule_estate import CHANGED, MEMBER, OVERSIZED, REGION, STRANGER, Estate, estate, poured, rule

__all__ = ["estate", "poured"]

READER = f"arn:aws:iam::{MEMBER}:role/reporter-read"


def ask(event: dict[str, Any]) -> dict[str, Any]:
    return handler(event, None)


def stored(estate: Estate, said: dict[str, Said], check: str = "instance_protected", **ago: float) -> None:
    """What a run saw some time ago."""
    at = clock.now() - timedelta(**ago)
    keep(estate.store, "main", Answers(MEMBER, REGION, "main-000007", at, "ab" * 32, {check: said}, listed=True))


def seen_by_wp(estate: Estate) -> int:
    return len(estate.wp.state.calls)


def test_a_periodic_question_is_answered_for_every_instance_in_scope(estate: Estate) -> None:
    estate.hold("instance_protected", "i-0000000000000gone")
    estate.hold("instance_protected", "other")
    done = ask(estate.ask("instance_protected"))
    assert estate.held("instance_protected") == {"good": "COMPLIANT", "bare": "NON_COMPLIANT"}
    assert done["told"] == {"COMPLIANT": 1, "NON_COMPLIANT": 1, "NOT_APPLICABLE": 2}
    row = estate.details("instance_protected")["bare"]
    assert row["Annotation"] == "no Workload Protection computer stands for this instance: it is unmanaged"
    assert row["EvaluationResultIdentifier"]["OrderingTimestamp"] <= clock.now()


def test_every_rule_of_ours_is_answered_and_asks_the_world_once(estate: Estate) -> None:
    for check in CHECKS:
        ask(estate.ask(check))
    assert estate.held("policy_assigned") == {"good": "COMPLIANT", "bare": "NON_COMPLIANT"}
    assert estate.held("anti_malware_active")["good"] == "COMPLIANT"
    assert estate.held("firewall_active") == {}  # the schedule does not require it: not applicable
    assert len(estate.calls("PutEvaluations")) == len(CHECKS)
    assert len(estate.calls("DescribeInstances")) == 1


@pytest.mark.parametrize("message", [CHANGED, OVERSIZED])
def test_a_change_is_answered_for_its_instance_alone(estate: Estate, message: str) -> None:
    ask(estate.ask("instance_protected", message, "good"))
    assert estate.held("instance_protected") == {"good": "COMPLIANT"}
    assert len(estate.calls("GetResourceConfigHistory")) == (message == OVERSIZED)
    assert {call["role"] for call in estate.calls("PutEvaluations")} == {READER}


def test_a_change_is_told_no_earlier_than_it_was_captured_and_not_in_the_future(estate: Estate) -> None:
    captured = clock.now() - timedelta(minutes=2)
    ask(estate.ask("instance_protected", CHANGED, "good", item={"configurationItemCaptureTime": clock.iso(captured)}))
    at = estate.details("instance_protected")["good"]["EvaluationResultIdentifier"]["OrderingTimestamp"]
    assert captured <= at <= clock.now()


@pytest.mark.parametrize(
    ("name", "more"),
    [
        ("bare", {"item": {"configurationItemStatus": "ResourceDeleted"}}),
        ("i-0000000000000gone", {}),
        ("bare", {"left_scope": True}),
        ("bare", {"item": {"configurationItemStatus": "ResourceNotRecorded"}}),
        ("other", {}),
    ],
)
@pytest.mark.parametrize("message", [CHANGED, OVERSIZED])
def test_what_is_gone_or_not_in_scope_is_taken_off_the_rule_without_a_look(estate: Estate, message: str, name: str, more: dict[str, Any]) -> None:
    estate.hold("instance_protected", name)
    estate.hold("instance_protected", "good")
    before = seen_by_wp(estate)
    ask(estate.ask("instance_protected", message, name, **more))
    assert estate.held("instance_protected") == {"good": "COMPLIANT"}
    assert seen_by_wp(estate) == before


def test_a_bad_token_is_an_error_for_people(estate: Estate) -> None:
    with pytest.raises(ReporterError, match="does not know the result token") as caught:
        ask({**estate.ask("instance_protected"), "resultToken": "made-up"})
    assert f"rule reporter-instance-protected in {MEMBER} {REGION}" in str(caught.value)
    assert "StartConfigRulesEvaluation" in str(caught.value)
    assert estate.held("instance_protected") == {}


@pytest.mark.parametrize("token", ["", "TESTMODE"])
def test_a_trial_by_hand_is_checked_and_keeps_nothing(estate: Estate, token: str) -> None:
    done = ask({**estate.ask("instance_protected"), "resultToken": token})
    assert (done["test"], done["told"]) == (True, {"COMPLIANT": 1, "NON_COMPLIANT": 1})
    assert estate.held("instance_protected") == {}


def test_a_thousand_instances_are_ten_calls(estate: Estate) -> None:
    stored(estate, {f"i-{number:017x}": Said(Status.PASS, "the agent is active, with a policy") for number in range(1000)})
    done = ask(estate.ask("instance_protected"))
    assert len(estate.calls("PutEvaluations")) == done["calls"] == 10
    assert len(estate.held("instance_protected")) == 1000


def test_a_fresh_run_answers_without_a_look_and_says_what_it_said(estate: Estate) -> None:
    estate.hold("instance_protected", "bare", minutes=1)
    stored(estate, {estate.ids["good"]: Said(Status.FAIL, "the agent is offline"), estate.ids["bare"]: Said(Status.PASS, "")}, hours=2)
    before = seen_by_wp(estate)
    done = ask(estate.ask("instance_protected"))
    assert seen_by_wp(estate) == before
    assert done["rests_on"].startswith("main-000007 of ")
    assert estate.held("instance_protected") == {"good": "NON_COMPLIANT", "bare": "COMPLIANT"}
    rows = estate.details("instance_protected")
    assert rows["good"]["Annotation"] == f"the agent is offline [seal {'ab' * 16}]"
    assert done["told"] == {"NON_COMPLIANT": 1}, "what Config holds of a later instant is left alone"


@pytest.mark.parametrize(("rules", "hours"), [("{}", 25), ("{fresh: 1h}", 2)])
def test_a_run_that_is_too_old_is_not_believed(estate: Estate, rules: str, hours: int) -> None:
    estate.write(rules=rules)
    stored(estate, {estate.ids["good"]: Said(Status.FAIL, "as it was")}, hours=hours)
    assert ask(estate.ask("instance_protected"))["rests_on"] == "a look of its own"
    assert estate.held("instance_protected") == {"good": "COMPLIANT", "bare": "NON_COMPLIANT"}


def test_a_change_after_the_run_is_looked_at_and_one_before_it_is_not(estate: Estate) -> None:
    stored(estate, {estate.ids["good"]: Said(Status.FAIL, "as it was")}, minutes=30)
    old = {"configurationItemCaptureTime": clock.iso(clock.now() - timedelta(hours=1))}
    ask(estate.ask("instance_protected", CHANGED, "good", item=old))
    assert estate.held("instance_protected") == {"good": "NON_COMPLIANT"}
    assert ask(estate.ask("instance_protected", CHANGED, "good"))["rests_on"] == "a look of its own"
    assert estate.held("instance_protected") == {"good": "COMPLIANT"}


@pytest.mark.parametrize(("unknown", "left"), [("retire", {}), ("non_compliant", {"good": "NON_COMPLIANT"})])
@pytest.mark.parametrize("message", ["ScheduledNotification", CHANGED])
def test_a_compliant_does_not_outlive_its_evidence(estate: Estate, unknown: str, left: dict[str, str], message: str) -> None:
    estate.write(rules=f"{{unknown: {unknown}}}")
    estate.wp.state.faults.lay([Fault("access_denied", path="/computers")])
    estate.hold("instance_protected", "good")
    ask(estate.ask("instance_protected", message, "good" if message == CHANGED else ""))
    assert estate.held("instance_protected") == left, "the one it does not hold is not sent"
    if left:
        assert estate.details("instance_protected")["good"]["Annotation"].startswith("UNKNOWN: wp_computers of tenant main could not be read")


def test_parameters_of_a_rule_are_asked_of_the_world(estate: Estate) -> None:
    stored(estate, {}, "policy_assigned", minutes=1)
    function = f"arn:aws:lambda:{REGION}:{MEMBER}:function:reporter"
    rule(estate, "its-policy", function, '{"check": "policy_assigned", "policy": "Windows Server; Database"}')
    assert ask(estate.ask("its-policy"))["rests_on"] == "a look of its own"
    assert estate.held("its-policy") == {"good": "NON_COMPLIANT", "bare": "NON_COMPLIANT"}
    rule(estate, "its-policy", function, '{"check": "policy_assigned", "policy": "Windows Server; Linux Server"}')
    ask(estate.ask("its-policy"))
    assert estate.held("its-policy") == {"good": "COMPLIANT", "bare": "NON_COMPLIANT"}
    rule(estate, "its-firewall", function, '{"module": "firewall"}')
    ask(estate.ask("its-firewall"))
    assert estate.held("its-firewall") == {"bare": "NON_COMPLIANT"}, "no word on the firewall of the good one: unknown"


def test_evaluations_that_are_never_taken_are_named(estate: Estate, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("reporter.delivery.config_rules.PAUSES", (0.01, 0.01))
    failing = [{"ResourceId": estate.ids["good"], "Times": 9}]
    estate.control("POST", "seed", {"service": "config", "kind": "failing", "account": MEMBER, "region": REGION, "items": failing})
    with pytest.raises(ReporterError, match=f"did not take 1 of 2 evaluations: {estate.ids['good']}"):
        ask(estate.ask("instance_protected"))
    assert estate.held("instance_protected") == {"bare": "NON_COMPLIANT"}


def test_a_right_that_is_missing_is_named(estate: Estate) -> None:
    estate.control("POST", "faults", [{"service": "config", "operation": "PutEvaluations", "fault": "access_denied"}])
    with pytest.raises(ReporterError, match="grant config:PutEvaluations"):
        ask(estate.ask("instance_protected"))


@pytest.mark.parametrize(
    ("event", "words"),
    [
        ({"source": "aws.ec2", "detail-type": "EC2 Instance State-change Notification"}, "aws.ec2 EC2 Instance State-change Notification"),
        ({}, "an object with nothing in it"),
        ({"job": "weekly"}, "the schedule has no job 'weekly'"),
        ({"invokingEvent": "{", "configRuleName": "r"}, "not in the form of AWS Config"),
    ],
)
def test_what_nobody_answers_is_an_error_for_people(estate: Estate, event: dict[str, Any], words: str) -> None:
    with pytest.raises(ReporterError) as caught:
        ask(event)
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"accountId": STRANGER}, f"account {STRANGER} is none of those that the schedule names"),
        ({"configRuleArn": f"arn:aws:config:us-west-2:{MEMBER}:config-rule/x"}, "does not look at us-west-2"),
        ({"configRuleName": "reporter-instanceprotected"}, "did you mean reporter-instance-protected?"),
        ({"ruleParameters": '{"polices": "x"}'}, "did you mean policy?"),
        ({"ruleParameters": '{"module": "firewal"}'}, "did you mean firewall?"),
        ({"ruleParameters": '{"agent_max_age": "soon"}'}, "agent_max_age like 24h"),
        ({"ruleParameters": '{"check": "patch_outstanding"}'}, "stands for no rule"),
        ({"ruleParameters": '{"module": "firewall", "check": "instance_clear"}'}, "one of the two"),
    ],
)
def test_a_question_that_is_not_for_us_is_refused(estate: Estate, change: dict[str, Any], words: str) -> None:
    with pytest.raises(ReporterError) as caught:
        ask({**estate.ask("instance_protected"), **change})
    assert words in str(caught.value)
    assert estate.calls("PutEvaluations") == []


def test_after_the_nightly_run_config_asks_and_is_answered_from_it_and_the_next_run_says_so(estate: Estate) -> None:
    done = ask({"job": "nightly"})
    assert done["results"]["FAIL"]
    events = estate.control("GET", "config/events")
    assert len(events) == len(CHECKS) * (1 + len(estate.ids))
    before, told = seen_by_wp(estate), [ask(event) for event in events]
    assert seen_by_wp(estate) == before
    assert {one["rests_on"].split(" of ")[0] for one in told if one["calls"]} <= {"main-000001", "the notification"}
    assert estate.held("instance_protected") == {"good": "COMPLIANT", "bare": "NON_COMPLIANT"}
    assert estate.held("intrusion_prevention_active")["bare"] == "NON_COMPLIANT"
    assert {call["role"] for call in estate.calls("StartConfigRulesEvaluation")} == {READER}
    deny = {"service": "config", "operation": "StartConfigRulesEvaluation", "fault": "access_denied"}
    estate.control("POST", "faults", [deny])
    ask({"job": "nightly"})
    rows = read_table(estate.folder / "out" / "run-000002", DELIVERIES)
    told_of = [tuple(row) for row in rows[["run", "kind", "name", "state"]].itertuples(index=False)]
    assert told_of == [("main-000001", "config_rules", f"{MEMBER}_{REGION}", "sent")]
    (refused,) = last_asked(estate.store, "main")
    assert (refused.run, refused.state) == ("main-000002", DeliveryState.REFUSED)
    assert refused.message.endswith("; grant config:StartConfigRulesEvaluation")


@dataclass(frozen=True)
class Context:
    """What AWS Lambda gives a handler, as far as it is asked."""

    left: int

    def get_remaining_time_in_millis(self) -> int:
        return self.left


def test_a_job_stops_before_its_time_is_over_and_says_so_in_its_log(estate: Estate, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(Stopped) as caught:
        handler({"job": "nightly"}, Context(1000))
    assert caught.value.exit_code == 6
    begun, *_, end, figures = (json.loads(line) for line in capsys.readouterr().err.splitlines() if line.startswith("{"))
    assert (begun["outcome"], begun["run"], begun["job"]) == ("begun", "main-000001", "nightly")
    assert (end["outcome"], end["exit_code"], figures["Finished"]) == ("stopped", 6, 0)
    assert not list((estate.folder / "out").glob("run-*"))
    assert handler({"job": "nightly"}, Context(10_000_000))["run"].endswith("run-000001")


def test_the_handler_starts_light() -> None:
    heavy = "{'pandas', 'boto3', 'botocore', 'pydantic', 'pyarrow'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", f"import sys, reporter.aws_lambda; assert not {heavy}, {heavy}"], check=True)
