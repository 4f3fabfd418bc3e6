"""Two nightly runs that tell Security Hub what they found and write the records of other systems; the second knows what the first sent."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pandas as pd
import pytest
import yaml

from tests.reports.test_ocsf import problems as ocsf_problems
from tests.reports.test_oscal import problems as oscal_problems
from tests.whole.conftest import Served
from tests.whole.test_run import CLOCK, reporter, rows

pytestmark = pytest.mark.xdist_group("whole")

LATER = "2026-11-25T03:00:00Z"
REGION = "eu-central-1"
OPEN = ("FAIL", "UNKNOWN", "WAIVED")


@dataclass
class Night:
    """One run, what it said, and what Security Hub holds in the one place where it is on."""

    run: Path
    warned: str
    held: list[dict[str, Any]]

    def lines(self, name: str) -> list[dict[str, Any]]:
        return [json.loads(line) for line in (self.run / name).read_text(encoding="utf-8").splitlines()]


@pytest.fixture(scope="module")
def account(served: Served) -> str:
    return str(yaml.safe_load(served.schedule)["aws"]["accounts"][0]["id"])


@pytest.fixture(scope="module")
def hub(account: str) -> Iterator[Any]:
    """Security Hub, on in one account and region and nowhere else."""
    role = f"arn:aws:iam::{account}:role/tests"
    given = boto3.client("sts", region_name=REGION).assume_role(RoleArn=role, RoleSessionName="tests")["Credentials"]
    session = boto3.Session(given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"], REGION)
    client = session.client("securityhub")
    client.enable_security_hub(EnableDefaultStandards=False)
    yield client
    client.disable_security_hub()


@pytest.fixture(scope="module")
def nights(served: Served, hub: Any, tmp_path_factory: pytest.TempPathFactory) -> list[Night]:
    place = tmp_path_factory.mktemp("hub")
    value = yaml.safe_load(served.schedule)
    value["reports"] = {"exports": ["ocsf", "oscal"]}
    value["deliver"] = {"security_hub": {}}
    (place / "schedule.yaml").write_text(yaml.safe_dump(value), encoding="utf-8")
    made = []
    for at in (CLOCK, LATER):
        done = reporter(served, "run", "--schedule", place / "schedule.yaml", "--out", place / "out", "--now", at)
        assert done.returncode == 0, done.stdout + done.stderr
        held = [one for answer in hub.get_paginator("get_findings").paginate() for one in answer["Findings"]]
        made.append(Night(Path(done.stdout.splitlines()[-1]), done.stderr, held))
    return made


def test_what_is_open_is_a_finding_of_its_account_and_region(nights: list[Night], account: str) -> None:
    first, _ = nights
    is_open = [row for row in rows(first.run / "results.csv") if row["status"] in OPEN and row["account"].isdigit()]
    assert len(first.lines("asff.jsonl")) == len(is_open) > 0
    assert len(first.held) == sum((row["account"], row["region"]) == (account, REGION) for row in is_open) > 0
    assert f"findings not_sent  Security Hub of {account} in us-east-1: Security Hub is off" in first.warned


def test_sent_again_the_next_night_nothing_is_there_twice(nights: list[Night]) -> None:
    first, second = nights
    ids = [one["Id"] for one in second.held]
    assert len(set(ids)) == len(ids)
    assert {one["Id"] for one in first.held} <= set(ids)
    active = {one["Id"] for one in second.held if one["RecordState"] == "ACTIVE"}
    assert active == {one["Id"] for one in second.lines("asff.jsonl") if one["RecordState"] == "ACTIVE"} & set(ids)
    created = {one["Id"]: one["CreatedAt"] for one in first.held}
    assert {one["Id"]: one["CreatedAt"] for one in second.held if one["Id"] in created} == created


def test_the_next_run_says_what_became_of_it(nights: list[Night], account: str) -> None:
    first, second = nights
    said = pd.read_parquet(second.run / "tables" / "deliveries.parquet")
    said = said[said["kind"] == "security_hub"].set_index("name")["state"]
    assert said[f"{account}_{REGION}"] == "sent"
    assert set(said.drop(f"{account}_{REGION}")) == {"not_sent"}
    sent = pd.read_parquet(second.run / "tables" / "sent_findings.parquet")
    assert set(sent["finding_id"]) == {one["Id"] for one in first.held}


def test_the_other_records_are_valid_and_tell_the_same_results(nights: list[Night]) -> None:
    first, second = nights
    is_open = [row for row in rows(first.run / "results.csv") if row["status"] in OPEN]
    events = first.lines("ocsf.jsonl")
    assert [problem for event in events[::50] for problem in ocsf_problems(event)] == []
    assert {event["activity_name"] for event in events} == {"Create"}
    assert len(events) == len(is_open)
    assert "Update" in {event["activity_name"] for event in second.lines("ocsf.jsonl")}
    document = json.loads((first.run / "oscal.json").read_text(encoding="utf-8"))
    assert oscal_problems(document) == []
    checks = {row["check_id"] for row in rows(first.run / "results.csv")}
    assert len(document["assessment-results"]["results"][0]["observations"]) == len(is_open) + len(checks)
    listed = json.loads((first.run / "run.json").read_text(encoding="utf-8"))["files"]
    assert {"asff.jsonl", "ocsf.jsonl", "oscal.json"} <= set(listed)
