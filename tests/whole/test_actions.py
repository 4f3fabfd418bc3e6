"""Actions end to end: plan, approve, apply, look again, undo, against servers of their own, a mail server included.

What is expected is told by the estate's builder and by what the servers held before; the planner is not asked.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any

import pytest

from reporter.sandbox.serve import sandbox
from tests.clients.smtp_server import SmtpServer, serving
from tests.whole.conftest import NOW, Served
from tests.whole.servers_state import WorkloadProtection, web_acls
from tests.whole.test_run import CLOCK, reporter, rows

pytestmark = pytest.mark.xdist_group("actions")

LATER = "2026-11-24T04:00:00Z"
ACTIONS = """
actions:
  wait: 0m
  assign_ips_rule: {mode: plan, max_percent: 100}
deliver:
  email: {sender: reporter@example.com, smtp: {host: 127.0.0.1, port: PORT, security: none}}
"""


@dataclass
class Story:
    """One estate, and what a person did with it."""

    served: Served
    mail: SmtpServer
    schedule: Path
    out: Path

    def do(self, *arguments: str | Path, at: str = CLOCK, code: int = 0) -> str:
        """The command; its output. Its exit code must be this."""
        done = reporter(self.served, *arguments, "--now", at)
        assert done.returncode == code, f"{arguments}\n{done.stdout}{done.stderr}"
        return done.stdout

    def run(self, at: str = CLOCK, code: int = 0) -> Path:
        return Path(self.do("run", "--schedule", self.schedule, "--out", self.out, at=at, code=code).splitlines()[-1])

    def writes(self) -> list[str]:
        """Write calls that the servers received since they were last forgotten."""
        return [f"{call.get('operation') or call.get('path')}" for calls in self.served.calls() for call in calls if call["write"]]


def acts(run: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (run / "actions.jsonl").read_text(encoding="utf-8").splitlines()]


def stood(run: Path) -> dict[tuple[str, str], int]:
    counted: dict[tuple[str, str], int] = {}
    for act in acts(run):
        counted[act["action"], act["state"]] = counted.get((act["action"], act["state"]), 0) + 1
    return counted


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    place = tmp_path_factory.mktemp("actions")
    with sandbox(size="small", seed=1, now=NOW) as running, serving(SmtpServer(starttls=False)) as mail:
        served = Served(running.aws_endpoint, running.wp_url, dict(running.environment), running.schedule, dict(running.truth))
        served.at_once()
        schedule = place / "schedule.yaml"
        schedule.write_text(served.schedule + ACTIONS.replace("PORT", str(mail.port)), encoding="utf-8")
        yield Story(served, mail, schedule, place / "out")


@dataclass(frozen=True)
class Before:
    """What the servers held before anything was applied."""

    wp: dict[str, Any]
    effective: dict[int, set[int]]
    acls: dict[str, dict[str, Any]]
    dates: dict[int, tuple[Any, Any]]
    sent: set[int]


@dataclass(frozen=True)
class Applied:
    """The story up to the first apply."""

    story: Story
    before: Before
    planned: Path
    run: Path
    api: WorkloadProtection


def dates(api: WorkloadProtection) -> dict[int, tuple[Any, Any]]:
    """Computer -> dates of its last recommendation scan and integrity scan."""
    return {
        number: (
            api.get(f"/computers/{number}/intrusionprevention/assignments").get("lastRecommendationScanDate"),
            computer.get("integrityMonitoring", {}).get("lastIntegrityScan"),
        )
        for number, computer in api.listed("/computers", "computers").items()
    }


@pytest.fixture(scope="module")
def applied(story: Story) -> Applied:
    """plan, refuse, approve, apply."""
    api = WorkloadProtection(story.served)
    effective = {number: api.assigned("policies", number) for number in api.listed("/policies", "policies")}
    before = Before(api.state(), effective, web_acls(story.served), dates(api), api.sent())
    story.served.forget()
    planned = story.run()
    assert story.writes() == []
    story.do("apply", planned, code=2)
    story.do("approve", planned, "--by", "a security engineer")
    assert story.writes() == []
    assert (web_acls(story.served), story.mail.taken) == (before.acls, [])
    run = Path(story.do("apply", planned).splitlines()[-1])
    return Applied(story, before, planned, run, api)


def test_what_was_planned_was_made_and_seen_to_work(applied: Applied) -> None:
    planned, made = stood(applied.planned), stood(applied.run)
    free = {action: count for (action, state), count in planned.items() if state == "planned"}
    assert set(free) == {"recommendation_scan", "integrity_scan", "assign_ips_rule", "attach_managed_rule_group", "notify_owner"}
    seen = {action: made.get((action, "verified"), 0) for action in free}
    waiting = {action: made.get((action, "applied"), 0) + made.get((action, "pending"), 0) for action in free}
    assert {action: seen[action] + waiting[action] for action in free} == free
    assert all(seen.values())
    assert [act for act in acts(applied.run) if act["state"] == "failed"] == []


def test_the_run_says_what_it_is(applied: Applied) -> None:
    said = json.loads((applied.run / "run.json").read_text(encoding="utf-8"))
    assert (said["kind"], said["acts_on"], said["approval"]["by"]) == ("apply", "main-000001", "a security engineer")
    assert said["approval"]["self_approved"] is True
    assert said["approval"]["plan"] == json.loads((applied.planned / "plan.json").read_text(encoding="utf-8"))["hash"]


def expected_rules(applied: Applied) -> dict[int, set[int]]:
    """Policy -> rules that it must have afterwards: the builder's own rules for what is available, with what they depend on."""
    api, truth = applied.api, applied.story.served.truth
    policies = api.listed("/policies", "policies")
    by_name = {policy["name"]: number for number, policy in policies.items()}
    rules = api.listed("/intrusionpreventionrules", "intrusionPreventionRules")
    by_identifier = {rule["identifier"]: number for number, rule in rules.items() if "identifier" in rule}
    machines = {key.split("|")[2]: about for key, about in truth["instances"].items()}
    wanted: dict[int, set[int]] = {number: set() for number in policies}
    for key, about in truth["virtual_patches"].items():
        instance = key.split("|")[1]
        if about["state"] == "available" and machines[instance]["policy"]:
            todo = [by_identifier[identifier] for identifier in about["exact_rules"]]
            mine = wanted[by_name[machines[instance]["policy"]]]
            while todo:
                rule = todo.pop()
                mine.add(rule)
                todo += [one for one in rules[rule].get("dependsOnRuleIDs", ()) if one not in mine]
    found: dict[int, set[int]] = {}
    for number in policies:
        found[number], above = set(applied.before.effective[number]), number
        while above:
            found[number] |= wanted[above]
            above = policies[above].get("parentID", 0)
    return found


def test_policies_have_the_rules_that_were_available_and_no_others(applied: Applied) -> None:
    now = {number: applied.api.assigned("policies", number) for number in applied.before.effective}
    assert now == expected_rules(applied)
    assert now != applied.before.effective


def test_web_acls_have_their_groups_in_count_and_are_else_as_they_were(applied: Applied) -> None:
    after = web_acls(applied.story.served)
    changed = {arn for arn, acl in after.items() if acl != applied.before.acls[arn]}
    assert changed
    for arn in changed:
        old, new = applied.before.acls[arn], after[arn]
        assert {name: value for name, value in new.items() if name != "Rules"} == {name: value for name, value in old.items() if name != "Rules"}
        assert new["Rules"][: len(old["Rules"])] == old["Rules"]
        added = new["Rules"][len(old["Rules"]) :]
        assert added
        assert all(rule["OverrideAction"] == {"Count": {}} and "ManagedRuleGroupStatement" in rule["Statement"] for rule in added)
        assert min(rule["Priority"] for rule in added) > max([rule["Priority"] for rule in old["Rules"]], default=-1)


def test_only_instances_that_findings_concern_were_scanned(applied: Applied) -> None:
    truth = applied.story.served.truth
    protected = {key.split("|")[2]: about["computer_id"] for key, about in truth["instances"].items() if about["protection"] == "protected"}
    real = [about for key, about in truth["findings"].items() if key.startswith("guardduty") and not about["sample"] and not about["archived"]]
    named = {instance for about in real for instance in about["instances"] or ()}
    reaching = {key.split("|")[2]: decision for key, decision in truth["bucket_access"].items() if key.split("|")[2]}
    surely = named | {key.split("|")[2] for key, decision in truth["bucket_access"].items() if decision == "allowed"}
    maybe = surely | set(reaching)
    after = dates(applied.api)
    moved = {number for number, date in after.items() if date != applied.before.dates[number]}
    assert moved <= {protected[instance] for instance in maybe if instance in protected}
    unscanned = {instance for instance in surely if instance in protected} - {one for one in protected if protected[one] in moved}
    assert unscanned == set()


def test_no_task_stays_behind(applied: Applied) -> None:
    assert applied.api.get("/scheduledtasks")["scheduledTasks"] == applied.before.wp["tasks"]


def test_each_owner_has_one_notice_with_its_own_instances_only(applied: Applied) -> None:
    truth = applied.story.served.truth
    addresses = {"payments": "payments@example.com", "orders": "orders@example.com", "platform": "platform@example.com"}
    owned = {key.split("|")[2]: addresses.get(about["owner"], "secops@example.com") for key, about in truth["instances"].items()}
    recipients = [taken.recipients for taken in applied.story.mail.taken]
    assert recipients
    assert len(set(recipients)) == len(recipients)
    for taken in applied.story.mail.taken:
        message = message_from_bytes(taken.data, policy=policy.default)
        body = message.get_body(("plain",))
        assert body is not None
        named = set(re.findall(r"\bi-[0-9a-f]{17}\b", body.get_content()))
        assert named
        assert {owned[instance] for instance in named} == set(taken.recipients)
        assert {truth["instances"][key]["protection"] for key in truth["instances"] if key.split("|")[2] in named}.isdisjoint(
            {"protected", "unknown"}
        )


@pytest.fixture(scope="module")
def again(applied: Applied) -> tuple[Path, list[str]]:
    """The same plan, applied a second time: the run, and the write calls it made."""
    applied.story.served.forget()
    run = Path(applied.story.do("apply", applied.planned).splitlines()[-1])
    return run, applied.story.writes()


def test_applying_twice_is_applying_once(applied: Applied, again: tuple[Path, list[str]]) -> None:
    run, writes = again
    assert writes == []
    assert {act["state"] for act in acts(run) if act["run"] is None} <= {"skipped"}
    assert len(applied.story.mail.taken) == len({taken.recipients for taken in applied.story.mail.taken})


@pytest.fixture(scope="module")
def next_night(applied: Applied, again: tuple[Path, list[str]]) -> Path:
    del again
    return applied.story.run(at=LATER)


def test_the_next_run_says_prevented_where_rules_were_assigned(applied: Applied, next_night: Path) -> None:
    def states(run: Path) -> dict[tuple[str, ...], str]:
        return {(row["finding_arn"], row["instance_id"], row["image"], row["cve"]): row["state"] for row in rows(run / "virtual_patches.csv")}

    before, after = states(applied.planned), states(next_night)
    policies = {row["instance_id"]: row["policy"] for row in rows(applied.planned / "instances.csv")}
    available = [key for key, state in before.items() if state == "available" and policies[key[1]]]
    assert available
    now = {after[key] for key in available}
    assert now <= {"prevented", "detect_only", "assigned_not_effective"}
    assert "prevented" in now


def test_the_next_run_proposes_nothing_twice(applied: Applied, next_night: Path) -> None:
    del applied
    states = stood(next_night)
    for action in ("recommendation_scan", "integrity_scan", "attach_managed_rule_group", "notify_owner"):
        assert states.get((action, "planned"), 0) == 0, states


def test_the_next_run_hands_the_scans_results_over_to_a_person(next_night: Path) -> None:
    assert stood(next_night).get(("recommendation_results", "planned"), 0) > 0


def test_findings_are_handled_once_both_scans_are_newer(applied: Applied, next_night: Path) -> None:
    def handled(run: Path) -> int:
        return sum(row["check_id"] == "guardduty_finding_handled" and row["status"] == "PASS" for row in rows(run / "results.csv"))

    assert handled(next_night) > handled(applied.planned)


@pytest.fixture(scope="module")
def undone(applied: Applied, next_night: Path) -> Path:
    del next_night
    return Path(applied.story.do("undo", applied.run, at=LATER).splitlines()[-1])


def test_undo_restores_what_was_there(applied: Applied, undone: Path) -> None:
    states = stood(undone)
    assert states["assign_ips_rule", "undone"] > 0
    assert states["attach_managed_rule_group", "undone"] > 0
    assert {state for action, state in states if action in ("recommendation_scan", "integrity_scan", "notify_owner")} == {"skipped"}
    assert web_acls(applied.story.served) == applied.before.acls
    now, before = _waited(applied), _sent_only(applied, applied.before.wp)
    assert {what: value for what, value in now.items() if value != before[what]} == {}


def test_undoing_twice_writes_nothing(applied: Applied, undone: Path) -> None:
    del undone
    applied.story.served.forget()
    applied.story.do("undo", applied.run, at=LATER)
    assert applied.story.writes() == []


def _sent_only(applied: Applied, state: dict[str, Any]) -> dict[str, Any]:
    """The state, with what is on the agents only where it was as assigned before: the others got what waited for them."""
    kept = {number: ids for number, ids in state["on agents"].items() if number in applied.before.sent}
    return {**state, "on agents": kept}


def _waited(applied: Applied) -> dict[str, Any]:
    """The tenant's state once the agents have their policies."""
    for _ in range(20):
        state = _sent_only(applied, applied.api.state())
        if state == _sent_only(applied, applied.before.wp):
            return state
        time.sleep(0.5)
    return state
