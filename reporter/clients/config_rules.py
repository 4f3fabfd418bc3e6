"""AWS Config of one account and region, as the function behind a rule speaks to it: what it holds, what it is told, and that it is to ask again.

Told through the role that reads the account: evaluations are published, they change nothing of what they are about.
https://docs.aws.amazon.com/config/latest/APIReference/API_PutEvaluations.html
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from reporter.clients.aws_errors import error_code, error_message, from_answer, from_the_way
from reporter.clients.aws_parsing import BrokenPage
from reporter.clients.aws_reader import AwsReader
from reporter.core.action import Refused
from reporter.core.answers import field
from reporter.core.errors import Denied, Unavailable
from reporter.core.evaluation import COMPLIANT, INSTANCE, NON_COMPLIANT
from reporter.core.permission import By, Permission

MOST_EVALUATIONS, MOST_RULES = 100, 25
"""of one call"""
BAD_TOKEN = "InvalidResultTokenException"  # noqa: S105  # a code of AWS
BUSY = ("LimitExceededException", "ResourceInUseException")
"""a rule that was started less than a minute ago, or is at work"""
_VERDICTS = [COMPLIANT, NON_COMPLIANT]


@dataclass(frozen=True)
class ConfigRules:
    """AWS Config at the place of a reader."""

    reader: AwsReader

    def held(self, rule: str) -> dict[str, datetime]:
        """Instances that Config holds an evaluation of by this rule, and what instant each is of. Raises ScopeProblem."""
        operation, key = "get_compliance_details_by_config_rule", "EvaluationResults"
        results = self.reader.items("config", operation, key, ConfigRuleName=rule, ComplianceTypes=_VERDICTS, Limit=100)
        return _instants(results, rule)

    def held_of(self, rule: str, instance: str) -> datetime | None:
        """The instant that Config's evaluation of one instance by this rule is of; None: it holds none. Raises ScopeProblem."""
        operation, key = "get_compliance_details_by_resource", "EvaluationResults"
        results = self.reader.items("config", operation, key, ResourceType=INSTANCE, ResourceId=instance, ComplianceTypes=_VERDICTS)
        return _instants(results, rule).get(instance)

    def item(self, instance: str, captured: datetime) -> dict[str, Any] | None:
        """The configuration item that was recorded at an instant or last before it; None: Config knows none. Raises ScopeProblem."""
        operation, absent = "get_resource_config_history", ("ResourceNotDiscoveredException",)
        answer = self.reader.call("config", operation, absent=absent, resourceType=INSTANCE, resourceId=instance, laterTime=captured, limit=1)
        return next(iter(answer.get("configurationItems") or ()), None)

    def put(self, token: str, evaluations: Sequence[Mapping[str, Any]], *, test: bool) -> list[str]:
        """Tell Config at most 100 evaluations. Returns ids of resources whose evaluation it did not take. Raises Denied, Refused, Unavailable."""
        sent = {"ResultToken": token, "Evaluations": list(evaluations), **({"TestMode": True} if test else {})}
        answer = self._write("put_evaluations", sent)
        return [str(one.get("ComplianceResourceId")) for one in answer.get("FailedEvaluations") or ()]

    def start(self, rules: Iterable[str]) -> None:
        """Let Config ask at most 25 rules now. Raises Denied, Refused, Unavailable."""
        self._write("start_config_rules_evaluation", {"ConfigRuleNames": sorted(rules)})

    def _write(self, operation: str, params: dict[str, Any]) -> dict[str, Any]:
        reader, name = self.reader, "".join(part.capitalize() for part in operation.split("_"))
        where = f"config:{name} in {reader.account} {reader.region}"
        try:
            with reader.client("config", reader.region) as client, reader.budget("config"):
                answer: dict[str, Any] = getattr(client, operation)(**params)
        except ClientError as error:
            problem = from_answer(error, where=where, service="config", operation=name)
            if isinstance(problem, Denied):
                raise problem from error
            raise Refused(f"{where}: {error_code(error)}: {error_message(error)[:300]}", code=error_code(error)) from error
        except BotoCoreError as error:
            raise from_the_way(error, where=where) from error
        except BrokenPage as error:
            raise Unavailable(f"{where}: broken answer: {error}"[:300]) from error
        return answer


def _instants(results: Iterable[Mapping[str, Any]], rule: str) -> dict[str, datetime]:
    what = "config compliance details"
    found: dict[str, datetime] = {}
    for result in results:
        identifier = field(result, "EvaluationResultIdentifier", what)
        qualifier = field(identifier, "EvaluationResultQualifier", what)
        of_ours = qualifier.get("ConfigRuleName") == rule and qualifier.get("ResourceType") == INSTANCE
        if of_ours and qualifier.get("EvaluationMode") != "PROACTIVE":  # a trial of something that does not exist yet
            found[field(qualifier, "ResourceId", what)] = field(identifier, "OrderingTimestamp", what)
    return found


def _used(schedule: Any) -> tuple[str, ...]:
    return ("*",) if schedule.deliver.config_rules else ()


PERMISSIONS = (
    Permission(
        By.READ,
        "AnswerConfigRules",
        (
            "config:GetComplianceDetailsByConfigRule",
            "config:GetComplianceDetailsByResource",
            "config:GetResourceConfigHistory",
            "config:PutEvaluations",
            "config:StartConfigRulesEvaluation",
        ),
        _used,
    ),
)
