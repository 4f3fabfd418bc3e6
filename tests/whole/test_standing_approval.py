"""mode: apply, with the state in a bucket: what a job that loses its disk after each run does by itself, night after night."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest
import yaml

from reporter.sandbox.estate.cloud import access_key
from reporter.sandbox.serve import sandbox
from tests.clients.smtp_server import SmtpServer, serving
from tests.whole.conftest import NOW, Served
from tests.whole.servers_state import web_acls
from tests.whole.test_actions import acts, stood
from tests.whole.test_run import reporter, rows

pytestmark = pytest.mark.xdist_group("standing")

NIGHTS = ("2026-11-24T03:00:00Z", "2026-11-25T03:00:00Z", "2026-11-26T03:00:00Z")
ACCOUNT = "111122223333"


@dataclass
class Job:
    """The job: each night on a fresh disk."""

    served: Served
    mail: SmtpServer
    place: Path
    bucket: Any
    count: int = 0

    def night(self, at: str, code: int = 0, **actions: Any) -> Path:
        self.count += 1
        schedule = yaml.safe_load(self.served.schedule)
        schedule["checks"] = {"agent_max_age": "30d"}  # the agents of the estate do not report from night to night
        schedule["state"] = "s3://reporter-state/chains"
        schedule["actions"] = {
            "wait": "0m",
            "recommendation_scan": {"mode": "apply", "results": "apply"},
            "integrity_scan": {"mode": "apply", "limit": 3},
            "assign_ips_rule": {"mode": "apply", "max_percent": 100, "limit": 100},
            "attach_managed_rule_group": {"mode": "apply"},
            "notify_owner": {"mode": "apply"},
            **actions,
        }
        schedule["deliver"] = {"email": {"sender": "r@example.com", "smtp": {"host": "127.0.0.1", "port": self.mail.port, "security": "none"}}}
        path = self.place / f"schedule-{self.count}.yaml"
        path.write_text(yaml.safe_dump(schedule), encoding="utf-8")
        out = self.place / f"disk-{self.count}"
        done = reporter(self.served, "run", "--schedule", path, "--out", out, "--now", at)
        assert done.returncode == code, done.stdout + done.stderr
        return Path(done.stdout.splitlines()[-1])

    def names(self) -> list[str]:
        return [item["Key"] for item in self.bucket.list_objects_v2(Bucket="reporter-state").get("Contents", [])]


@pytest.fixture(scope="module")
def job(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Job]:
    with sandbox(size="small", seed=2, now=NOW) as running, serving(SmtpServer(starttls=False)) as mail:
        served = Served(running.aws_endpoint, running.wp_url, dict(running.environment), running.schedule, dict(running.truth))
        served.at_once()
        bucket = boto3.client(
            "s3", region_name="us-east-1", endpoint_url=served.aws, aws_access_key_id=access_key(ACCOUNT), aws_secret_access_key="sandbox-secret"
        )
        bucket.create_bucket(Bucket="reporter-state")
        yield Job(served, mail, tmp_path_factory.mktemp("standing"), bucket)


@pytest.fixture(scope="module")
def first(job: Job) -> Path:
    return job.night(NIGHTS[0])


@pytest.fixture(scope="module")
def second(job: Job, first: Path) -> Path:
    del first
    return job.night(NIGHTS[1])


def test_the_first_night_does_what_the_schedule_lets_it(first: Path) -> None:
    states = stood(first)
    for action in ("recommendation_scan", "integrity_scan", "attach_managed_rule_group", "notify_owner"):
        assert states.get((action, "verified"), 0) > 0, states
    assert {state for _, state in states} <= {"verified", "applied", "skipped"}


def test_a_limit_holds_and_what_it_held_back_is_said(first: Path) -> None:
    scans = [act for act in acts(first) if act["action"] == "integrity_scan"]
    made = [act for act in scans if act["state"] == "verified"]
    assert sum(len(act["subjects"]) for act in made) == 3
    assert {act["error"] for act in scans if act["state"] == "skipped" and "limit" in act["error"]} == {
        "limit reached: integrity_scan may touch 3 in 24 hours"
    }


def test_nothing_of_the_journal_is_lost_with_the_disk(job: Job, first: Path, second: Path) -> None:
    assert json.loads((first / "run.json").read_text(encoding="utf-8"))["id"] == "main-000001"
    assert json.loads((second / "run.json").read_text(encoding="utf-8"))["id"] == "main-000002"
    names = job.names()
    assert "chains/journal/main-000001.jsonl" in names
    assert "chains/runs/main-000002.json" in names
    assert not [name for name in names if name.endswith("000000.json")]


def test_the_next_night_assigns_what_the_scans_recommend_and_repeats_nothing(second: Path) -> None:
    states = stood(second)
    assert states.get(("recommendation_results", "verified"), 0) > 0, states
    assert ("attach_managed_rule_group", "verified") not in states
    assert ("recommendation_scan", "verified") not in states


def test_nobody_is_told_the_same_twice(job: Job, second: Path) -> None:
    del second
    recipients = [taken.recipients for taken in job.mail.taken]
    assert len(set(recipients)) == len(recipients) > 0


def test_a_limit_opens_again_after_24_hours_and_goes_on(first: Path, second: Path) -> None:
    done = {act["target"] for act in acts(first) if act["action"] == "integrity_scan" and act["state"] == "verified"}
    more = {act["target"] for act in acts(second) if act["action"] == "integrity_scan" and act["state"] == "verified" and act["run"] == "main-000002"}
    assert more
    assert more.isdisjoint(done)


def test_what_a_person_took_back_is_not_made_again_by_itself(job: Job, first: Path, second: Path) -> None:
    del second
    attached = [act for act in acts(first) if act["action"] == "attach_managed_rule_group" and act["state"] == "verified"]
    assert attached
    before = web_acls(job.served)
    # the first night's run lies on a disk of its own: undone there, in the same chain
    done = reporter(job.served, "undo", first, "--now", "2026-11-25T09:00:00Z")
    assert done.returncode == 0, done.stdout + done.stderr
    after = web_acls(job.served)
    assert {arn for arn in after if after[arn] != before[arn]} == {act["target"] for act in attached}
    third = job.night(NIGHTS[2])
    again = [act for act in acts(third) if act["action"] == "attach_managed_rule_group" and act["state"] == "planned"]
    assert {act["target"] for act in again} == {act["target"] for act in attached}
    assert {act["error"] for act in again} == {"it was undone before: a person has to approve it again"}
    assert web_acls(job.served) == after


def test_findings_say_what_is_done_about_them(first: Path) -> None:
    named = {row["action"] for row in rows(first / "findings.csv") if row["action"]}
    assert any("recommendation_scan" in action for action in named)
