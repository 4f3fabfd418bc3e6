"""Answers AWS Config: from what the last run saw, if that is fresh enough for the question, else by looking.

What is told of an instance is of the instant at which it was seen: never before the change that Config asks about, never in the future. What Config
holds of a later instant is left alone.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from reporter.clients.aws import AwsClients
from reporter.clients.config_rules import ConfigRules
from reporter.clients.store import Store
from reporter.core.action import Refused
from reporter.core.clock import iso
from reporter.core.errors import ReporterError, ScheduleError, ScopeProblem
from reporter.core.evaluation import CHECKS, INSTANCE, NOT_APPLICABLE, OUTSIDE, Answers, Said, annotation, evaluated
from reporter.core.gap import longest_gap
from reporter.core.settings import Settings
from reporter.delivery.config_rules import Evaluation, Told, put
from reporter.doors import open_store
from reporter.joins.owners import in_scope
from reporter.judge import discover
from reporter.looking import Look
from reporter.opening import Clients, open_aws, open_tenants
from reporter.rule_question import Changed, Question, check_asked, read, settings_asked
from reporter.schedule import ConfigRules as RuleSettings
from reporter.schedule import Schedule
from reporter.scopes import Access, access_to
from reporter.state import chain, config_rules

SOURCE = "config_rules"
KNOWN_FOR = timedelta(hours=1)
"""so long the function believes what it knows of the organisation's accounts"""
USUAL_PERIOD = timedelta(hours=24)
DELETED = ("ResourceDeleted", "ResourceDeletedNotRecorded")


@dataclass
class Answering:
    """What a function keeps between questions. `now`: the present; it reads keys of tenants only when it has to look."""

    schedule: Schedule
    aws: AwsClients
    store: Store
    now: Callable[[], datetime]
    sleep: Callable[[float], None] = time.sleep
    _ways: dict[str, tuple[datetime, str, Access]] = field(default_factory=dict)

    @classmethod
    def of(cls, schedule: Schedule, out: Path, now: Callable[[], datetime]) -> Answering:
        """Opens no connection. Raises ScheduleError."""
        aws = open_aws(schedule)
        return cls(schedule, aws, open_store(schedule, out, aws), now)

    def answer(self, event: dict[str, Any]) -> dict[str, Any]:
        """Tell Config what it asks. Returns what was told, for the log. Raises ReporterError."""
        question = read(event)
        rules = self._rules(question)
        check = check_asked(question, rules.prefix)
        settings = self.schedule.settings()
        asked = settings.model_copy(update={"checks": settings_asked(question, settings.checks)})
        try:
            caller, access = self._way(question)
            reader = self.aws.reader(access.account, question.region, SOURCE, access.role, access.external_id, self.now())
            one = _One(self, question, rules, check, asked, caller, access, ConfigRules(reader))
            evaluations = list(one.evaluations())
            told = put(ConfigRules(reader), question.rule, question.token, evaluations, sleep=self.sleep)
        except (ScopeProblem, Refused) as problem:
            raise ReporterError(
                f"AWS Config is not answered: {problem.message}",
                where=question.where,
                fix=f"grant {problem.permission}" if problem.permission else "run the rule again (StartConfigRulesEvaluation)",
                meanwhile="Config keeps what it holds",
            ) from problem
        return _summary(question, check, told, evaluations, one.rests_on)

    def _rules(self, question: Question) -> RuleSettings:
        """Raises ScheduleError where the schedule answers no rule, or none in this region."""
        rules, regions = self.schedule.deliver.config_rules, self.schedule.aws.regions
        if rules is None:
            raise ScheduleError("the schedule answers no rules of AWS Config", where=question.where, fix="deliver: {config_rules: {}}")
        if regions != "all" and question.region not in regions:
            raise ScheduleError(f"the schedule does not look at {question.region}", where=question.where, fix="aws.regions, or take the rule away")
        return rules

    def _way(self, question: Question) -> tuple[str, Access]:
        """Account of the caller, and how the rule's account is read. Raises ReporterError for one that the schedule does not know."""
        known = self._ways.get(question.account)
        if known is None or self.now() - known[0] > KNOWN_FOR:
            caller, access = access_to(self.schedule, Clients(self.aws, {}), question.account)
            known = self._ways[question.account] = (self.now(), caller, access)
        return known[1], known[2]


@dataclass
class _One:
    """One question on its way to its answer. `rests_on`: what the answer was taken from, for the log."""

    desk: Answering
    question: Question
    rules: RuleSettings
    check: str
    settings: Settings
    caller: str
    access: Access
    config: ConfigRules
    rests_on: str = "the notification"

    def evaluations(self) -> Iterator[Evaluation]:
        """What is told. Raises ScopeProblem, ReporterError."""
        changed = self.question.changed
        if changed is None:
            yield from self._of_all()
            return
        if changed.tags is None and changed.there and not self.question.left:
            changed = self._whole(changed)
        plain = self._without_look(changed)
        if plain:
            yield Evaluation(changed.resource, NOT_APPLICABLE, annotation(plain, self._seal()), self._at(self.desk.now()), changed.resource_type)
            return
        answers = self._answers(changed)
        said = answers.of(self.check, changed.resource)
        held = self.config.held_of(self.question.rule, changed.resource) if evaluated(said, held=False, unknown=self.rules.unknown) is None else None
        yield from self._evaluation(answers, changed.resource, said, held)

    def _of_all(self) -> Iterator[Evaluation]:
        """Every instance that was seen, and every one that Config holds an evaluation of."""
        answers = self._answers(None)
        held = self.config.held(self.question.rule)
        for resource in sorted({*answers.said.get(self.check, {}), *held}):
            yield from self._evaluation(answers, resource, answers.of(self.check, resource), held.get(resource))

    def _evaluation(self, answers: Answers, resource: str, said: Said, held: datetime | None) -> Iterator[Evaluation]:
        at = self._at(answers.read_at)
        told = evaluated(said, held=held is not None, unknown=self.rules.unknown)
        if told is not None and (held is None or held <= at):
            yield Evaluation(resource, told[0], annotation(told[1], answers.seal), at)

    def _at(self, seen: datetime) -> datetime:
        """When something was seen, as it is told: not in the future, and not before the change that Config asks about."""
        seen = min(seen, self.desk.now())
        return max(seen, self.question.at) if self.question.changed else seen

    def _whole(self, changed: Changed) -> Changed:
        """The configuration item that was too large for the notification, from Config's history."""
        item = self.config.item(changed.resource, changed.captured) if changed.resource_type == INSTANCE else None
        if item is None:
            return changed
        tags = {str(key): str(value) for key, value in (item.get("tags") or {}).items()}
        return replace(changed, status=str(item.get("configurationItemStatus") or changed.status), tags=tags)

    def _without_look(self, changed: Changed) -> str:
        """Why the rule does not apply, where the notification itself says so; or empty."""
        if changed.resource_type != INSTANCE:
            return "this rule is about EC2 instances"
        if changed.status in DELETED:
            return "the instance no longer exists"
        if self.question.left:
            return "the instance is no longer in the scope of the rule"
        if not changed.there:
            return f"AWS Config no longer records the instance ({changed.status})"
        outside = changed.tags is not None and not in_scope(dict(changed.tags), self.settings.scope)
        return OUTSIDE if outside else ""

    def _answers(self, changed: Changed | None) -> Answers:
        """What the last run saw, where that is fresh and the rule asks no more than the schedule; else what is seen now."""
        own = self.settings.checks != self.desk.schedule.settings().checks
        stored = None if own else config_rules.newest(self.desk.store, self._chain, self.question.account, self.question.region)
        if stored is not None and self._fresh(stored):
            self.rests_on = f"{stored.run or 'a look'} of {iso(stored.read_at)}"
            return stored
        self.rests_on = "a look of its own"
        clients = Clients(self.desk.aws, open_tenants(self.desk.schedule))
        look = Look(self.desk.schedule, self.settings, clients, self.caller, self.access, self.question.region, self._seal())
        if changed is not None:
            return look.at([one for one in discover() if one.id == self.check], self.desk.now(), (changed.resource,))
        answers = look.at([one for one in discover() if one.id in CHECKS], self.desk.now())
        if not own:
            config_rules.keep(self.desk.store, self._chain, answers)  # the other rules ask of the same instances
        return answers

    def _fresh(self, stored: Answers) -> bool:
        """Young enough, and seen after the change that Config asks about."""
        young = self.desk.now() - stored.read_at <= fresh_for(self.desk.schedule)
        return young and (self.question.changed is None or stored.read_at >= self.question.at)

    def _seal(self) -> str:
        newest = chain.head(self.desk.store, self._chain)
        return newest.sha256 if newest else ""

    @property
    def _chain(self) -> str:
        return self.desk.schedule.evidence.chain


def fresh_for(schedule: Schedule) -> timedelta:
    """How old what a run saw may be: as the schedule says, else the time between two runs."""
    rules = schedule.deliver.config_rules
    if rules is not None and rules.fresh is not None:
        return rules.fresh
    gaps = [gap for job in schedule.jobs.values() if (gap := longest_gap(job.schedule)) is not None]
    return min(gaps, default=USUAL_PERIOD)


def _summary(question: Question, check: str, told: Told, evaluations: list[Evaluation], rests_on: str) -> dict[str, Any]:
    counts: dict[str, int] = {}
    for one in evaluations:
        counts[one.compliance] = counts.get(one.compliance, 0) + 1
    return {
        "rule": question.rule,
        "check": check,
        "account": question.account,
        "region": question.region,
        "told": dict(sorted(counts.items())),
        "calls": told.calls,
        "test": told.test,
        "rests_on": rests_on,
    }
