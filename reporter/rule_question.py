"""The event by which AWS Config asks the function behind a rule -> what is asked: of which check, of all instances or of one, and as of when.

Source: https://docs.aws.amazon.com/config/latest/developerguide/evaluate-config_develop-rules_example-events.html
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic import ValidationError

from reporter.core.clock import parse
from reporter.core.errors import ReporterError
from reporter.core.evaluation import CHECKS, INSTANCE, rule_name
from reporter.core.modules import MODULES
from reporter.core.settings import ChecksSettings
from reporter.core.wording import counted

SCHEDULED = "ScheduledNotification"
CHANGED = "ConfigurationItemChangeNotification"
OVERSIZED = "OversizedConfigurationItemChangeNotification"
PARAMETERS = ("agent_max_age", "check", "grace_minutes", "module", "policy")
_THERE = ("OK", "ResourceDiscovered")
_MEANWHILE = "nothing was evaluated: Config keeps what it holds"


@dataclass(frozen=True)
class Changed:
    """The resource that a question is about. `tags`: None where the notification is too small to carry them."""

    resource: str
    resource_type: str
    captured: datetime
    status: str
    tags: Mapping[str, str] | None

    @property
    def there(self) -> bool:
        return self.status in _THERE


@dataclass(frozen=True)
class Question:
    """What Config asks. `at`: when it asked, or when the change was captured; `changed`: None where it asks of every instance; `left`: the resource
    left the rule's own scope."""

    rule: str
    account: str
    region: str
    token: str
    parameters: Mapping[str, str]
    at: datetime
    changed: Changed | None
    left: bool

    @property
    def where(self) -> str:
        return f"rule {self.rule} in {self.account} {self.region}"


def is_question(event: Mapping[str, Any]) -> bool:
    """Whether an event comes from AWS Config."""
    return "invokingEvent" in event and "configRuleName" in event


def read(event: Mapping[str, Any]) -> Question:
    """The question in an event. Raises ReporterError for one that is not in Config's form."""
    try:
        invoking = json.loads(event["invokingEvent"])
        parameters = json.loads(event.get("ruleParameters") or "{}")
        message = str(invoking["messageType"])
        changed = _changed(invoking, message)
        return Question(
            rule=str(event["configRuleName"]),
            account=str(event["accountId"]),
            region=str(event["configRuleArn"]).split(":")[3],
            token=str(event.get("resultToken") or ""),
            parameters={str(name): str(value) for name, value in parameters.items()},
            at=changed.captured if changed else parse(str(invoking["notificationCreationTime"])),
            changed=changed,
            left=event.get("eventLeftScope") is True,
        )
    except (KeyError, ValueError, TypeError, AttributeError, IndexError) as error:
        raise ReporterError(
            f"the event is not in the form of AWS Config: {type(error).__name__}: {error}",
            where=f"rule {event.get('configRuleName')}",
            fix=f"an event of one of the types {SCHEDULED}, {CHANGED}, {OVERSIZED}",
            meanwhile=_MEANWHILE,
        ) from error


def _changed(invoking: Mapping[str, Any], message: str) -> Changed | None:
    if message == SCHEDULED:
        return None
    if message not in (CHANGED, OVERSIZED):
        raise ValueError(f"the message type {message} is none that a rule for instances has")
    item = invoking["configurationItem" if message == CHANGED else "configurationItemSummary"]
    kind, resource = str(item["resourceType"]), str(item["resourceId"])
    tags = {str(key): str(value) for key, value in (item.get("tags") or {}).items()} if message == CHANGED else None
    captured = parse(str(item["configurationItemCaptureTime"]))
    return Changed(resource.lower() if kind == INSTANCE else resource, kind, captured, str(item["configurationItemStatus"]), tags)


def check_asked(question: Question, prefix: str) -> str:
    """Id of the check that the rule stands for: as its parameters say, else its name. Raises ReporterError."""
    unknown = sorted(set(question.parameters) - set(PARAMETERS))
    if unknown:
        raise _wrong(question, f"the rule has a parameter {unknown[0]!r} that means nothing here", _nearest(unknown[0], PARAMETERS))
    module = question.parameters.get("module")
    if module is not None and module not in MODULES:
        raise _wrong(question, f"there is no protection module {module!r}", _nearest(module, MODULES))
    check = question.parameters.get("check") or (f"{module}_active" if module else _of_name(question, prefix))
    if check not in CHECKS:
        raise _wrong(question, f"the parameter check is {check!r}, which stands for no rule", _nearest(check, CHECKS))
    if module and check != f"{module}_active":
        raise _wrong(question, f"the parameter module is {module!r}, but the rule asks {check}", "one of the two")
    return check


def _of_name(question: Question, prefix: str) -> str:
    names = {rule_name(prefix, check): check for check in CHECKS}
    if question.rule not in names:
        fix = f"a rule of one of our names ({_nearest(question.rule, names)}), or a parameter check that says what it asks"
        raise _wrong(question, "the rule's name does not say what it asks", fix)
    return names[question.rule]


def settings_asked(question: Question, checks: ChecksSettings) -> ChecksSettings:
    """The schedule's thresholds, changed as the rule's parameters say. Raises ReporterError."""
    given = question.parameters
    changes: dict[str, Any] = {name: given[name] for name in ("agent_max_age", "grace_minutes") if name in given}
    if "policy" in given:
        changes["required_policies"] = tuple(name.strip() for name in given["policy"].split(";") if name.strip())
    if "module" in given and given["module"] not in checks.required_modules:
        changes["required_modules"] = (*checks.required_modules, given["module"])
    try:
        return ChecksSettings.model_validate({**checks.model_dump(), **changes})
    except ValidationError as error:
        said = error.errors()[0]
        what = f"{counted(len(error.errors()), 'parameter is', 'parameters are')} wrong: {said['loc'][0]}: {said['msg']}"
        raise _wrong(question, what, "agent_max_age like 24h, grace_minutes like 60") from error


def _wrong(question: Question, what: str, fix: str) -> ReporterError:
    return ReporterError(what, where=question.where, fix=fix, meanwhile=_MEANWHILE)


def _nearest(given: str, names: Collection[str]) -> str:
    close = difflib.get_close_matches(given, names, n=1, cutoff=0.5)
    return f"did you mean {close[0]}?" if close else f"known: {', '.join(sorted(names))}"
