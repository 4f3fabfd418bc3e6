from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from reporter.clients.config_rules import ConfigRules
from reporter.core.action import Refused
from reporter.core.errors import ReporterError, Unavailable
from reporter.core.evaluation import COMPLIANT
from reporter.delivery.config_rules import ONCE_A_MINUTE, PAUSES, Evaluation, Standing, Told, put, start
from reporter.state.deliveries import DeliveryState
from tests.clients.aws_readers import ACCOUNT, NOW, REGION, clients
from tests.clients.aws_server import AwsServer, Request, error, page, server

__all__ = ["server"]

RULE, TOKEN = "reporter-instance-protected", "a-token"
OTHER = "us-east-1"


def config(account: str = ACCOUNT, region: str = REGION) -> ConfigRules:
    return ConfigRules(clients().reader(account, region, "config_rules"))


def evaluations(count: int) -> list[Evaluation]:
    return [Evaluation(f"i-{number}", COMPLIANT, "as it should be", NOW + timedelta(microseconds=43000)) for number in range(count)]


def sent(request: Request) -> list[str]:
    return [one["ComplianceResourceId"] for one in request.json["Evaluations"]]


def failing(*resources: str) -> Any:
    return page(FailedEvaluations=[{"ComplianceResourceId": one} for one in resources])


@pytest.mark.parametrize(("count", "calls"), [(0, [0]), (1, [1]), (100, [100]), (101, [100, 1]), (1000, [100] * 10)])
def test_a_hundred_go_into_a_call_and_none_at_all_into_one(server: AwsServer, count: int, calls: list[int]) -> None:
    server.on("PutEvaluations", page(FailedEvaluations=[]))
    assert put(config(), RULE, TOKEN, evaluations(count)) == Told(count, len(calls), test=False)
    asked = server.asked("PutEvaluations")
    assert [len(sent(request)) for request in asked] == calls
    assert {(request.json["ResultToken"], request.json.get("TestMode")) for request in asked} == {(TOKEN, None)}


def test_an_evaluation_says_all_that_config_asks_for_to_the_millisecond(server: AwsServer) -> None:
    server.on("PutEvaluations", page(FailedEvaluations=[]))
    put(config(), RULE, TOKEN, evaluations(1))
    (one,) = server.asked("PutEvaluations")[0].json["Evaluations"]
    assert one == {
        "ComplianceResourceType": "AWS::EC2::Instance",
        "ComplianceResourceId": "i-0",
        "ComplianceType": "COMPLIANT",
        "Annotation": "as it should be",
        "OrderingTimestamp": NOW.timestamp() + 0.043,
    }


def test_what_was_not_taken_is_sent_again_alone(server: AwsServer) -> None:
    slept: list[float] = []
    server.on("PutEvaluations", failing("i-3", "i-7"), failing(), failing("i-7"), failing())
    assert put(config(), RULE, TOKEN, evaluations(101), sleep=slept.append).calls == 4
    assert [sent(request) for request in server.asked("PutEvaluations")[2:]] == [["i-3", "i-7"], ["i-7"]]
    assert slept == list(PAUSES[:2])


def test_what_is_never_taken_is_named(server: AwsServer) -> None:
    server.on("PutEvaluations", failing(*(f"i-{number}" for number in range(7))))
    with pytest.raises(ReporterError, match=r"did not take 7 of 9 evaluations: i-0, i-1, i-2, i-3, i-4 and 2 more"):
        put(config(), RULE, TOKEN, evaluations(9), sleep=lambda _: None)
    assert len(server.asked("PutEvaluations")) == 1 + len(PAUSES)


def test_without_a_token_it_is_a_trial(server: AwsServer) -> None:
    server.on("PutEvaluations", page(FailedEvaluations=[]))
    assert put(config(), RULE, "", evaluations(1)).test
    assert server.asked("PutEvaluations")[0].json["TestMode"] is True


def test_a_token_that_config_does_not_know_is_told_apart_from_other_refusals(server: AwsServer) -> None:
    server.on("PutEvaluations", error("InvalidResultTokenException", "The token is invalid"), error("NoSuchConfigRuleException", "no rule"))
    with pytest.raises(ReporterError, match="does not know the result token"):
        put(config(), RULE, TOKEN, evaluations(1))
    with pytest.raises(Refused, match="NoSuchConfigRuleException"):
        put(config(), RULE, TOKEN, evaluations(1))


def test_what_config_holds_comes_in_pages_and_trials_are_no_evaluations(server: AwsServer) -> None:
    def result(resource: str, mode: str = "DETECTIVE", rule: str = RULE) -> dict[str, Any]:
        qualifier = {"ConfigRuleName": rule, "ResourceType": "AWS::EC2::Instance", "ResourceId": resource, "EvaluationMode": mode}
        return {
            "EvaluationResultIdentifier": {"EvaluationResultQualifier": qualifier, "OrderingTimestamp": NOW.timestamp()},
            "ComplianceType": COMPLIANT,
        }

    first = page(EvaluationResults=[result("i-1"), result("i-9", "PROACTIVE")], NextToken="more")
    server.on("GetComplianceDetailsByConfigRule", first, page(EvaluationResults=[result("i-2")]))
    assert config().held(RULE) == {"i-1": NOW, "i-2": NOW}
    server.on("GetComplianceDetailsByResource", page(EvaluationResults=[result("i-1", rule="another"), result("i-1")]))
    assert config().held_of(RULE, "i-1") == NOW
    assert config().held_of("a-third", "i-1") is None
    server.on("GetComplianceDetailsByConfigRule", page(Results=[]))
    with pytest.raises(Unavailable):
        config().held(RULE)


def started(server: AwsServer, *places: Standing) -> tuple[dict[str, tuple[DeliveryState, str]], list[float]]:
    slept: list[float] = []
    done = start(places, config, "main-000001", lambda: NOW, sleep=slept.append)
    assert {one.kind for one in done} == {"config_rules"}
    return {one.name: (one.state, one.message) for one in done}, slept


def test_rules_are_started_25_at_a_time_in_every_place(server: AwsServer) -> None:
    server.on("StartConfigRulesEvaluation", page())
    rules = tuple(f"reporter-{number:02d}" for number in range(26))
    told, slept = started(server, Standing(ACCOUNT, REGION, rules), Standing(ACCOUNT, OTHER, rules[:1]))
    assert {state for state, _ in told.values()} == {DeliveryState.SENT}
    asked = server.asked("StartConfigRulesEvaluation")
    assert sorted((request.region, len(request.json["ConfigRuleNames"])) for request in asked) == [(REGION, 1), (REGION, 25), (OTHER, 1)]
    assert not slept


def test_a_rule_that_was_just_started_is_started_again_after_a_minute(server: AwsServer) -> None:
    server.on("StartConfigRulesEvaluation", error("LimitExceededException", "once a minute"), page())
    told, slept = started(server, Standing(ACCOUNT, REGION, (RULE,)))
    assert told[f"{ACCOUNT}_{REGION}"][0] is DeliveryState.SENT
    assert slept == [ONCE_A_MINUTE]


def test_a_rule_that_stays_busy_is_said_and_asked_by_configs_own_clock(server: AwsServer) -> None:
    server.on("StartConfigRulesEvaluation", error("LimitExceededException", "once a minute"))
    told, slept = started(server, Standing(ACCOUNT, REGION, (RULE,)))
    state, message = told[f"{ACCOUNT}_{REGION}"]
    assert (state, len(slept)) == (DeliveryState.REFUSED, 1)
    assert message.endswith("Config asks it by its own clock (LimitExceededException)")


def test_a_right_that_is_missing_is_named_and_not_waited_for(server: AwsServer) -> None:
    server.on("StartConfigRulesEvaluation", error("AccessDeniedException", "not authorized"))
    told, slept = started(server, Standing(ACCOUNT, REGION, (RULE,)))
    assert told[f"{ACCOUNT}_{REGION}"][1].endswith("; grant config:StartConfigRulesEvaluation")
    assert not slept


def test_places_without_rules_are_said_once(server: AwsServer) -> None:
    bare = [Standing(f"{number:012d}", REGION) for number in range(7)]
    told, _ = started(server, *bare, Standing(ACCOUNT, REGION, unread="config was not read"))
    assert told["no_rules"][1].startswith(f"no rule of this reporter stands in 000000000000 {REGION}, ")
    assert f"000000000004 {REGION} and 2 more: deploy" in told["no_rules"][1]
    assert told["unread"] == (DeliveryState.NOT_SENT, f"which rules stand in {ACCOUNT} {REGION} is not known: config was not read")
    assert server.requests == []
