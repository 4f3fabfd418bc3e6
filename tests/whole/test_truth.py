"""What a run says of the estate, row by row, against the builder's own ground truth.

The builder knows each state because it made the thing for that state; it imports nothing of the joins and checks.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests.whole.conftest import Served
from tests.whole.test_run import CLOCK, reporter, rows

pytestmark = pytest.mark.xdist_group("whole")


@pytest.fixture(scope="module")
def folder(served: Served, tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("truth")
    (place / "schedule.yaml").write_text(served.schedule, encoding="utf-8")
    served.forget()
    done = reporter(served, "run", "--schedule", place / "schedule.yaml", "--out", place / "out", "--now", CLOCK)
    assert done.returncode == 0, done.stdout + done.stderr
    return place / "out" / "run-000001"


def differences(said: dict[str, Any], true: dict[str, Any]) -> list[str]:
    """Keys on one side only, and values that differ; "a|b" allows either, "any" allows all."""
    found = [f"{key}: not in the report" for key in sorted(true.keys() - said.keys()) if true[key] != "any"]
    found += [f"{key}: not in the truth" for key in sorted(said.keys() - true.keys())]
    both = sorted(said.keys() & true.keys())
    found += [f"{key}: said {said[key]}, true {true[key]}" for key in both if true[key] != "any" and said[key] not in str(true[key]).split("|")]
    return found


def by_key(path: Path, key: str, value: str) -> dict[str, str]:
    return {"|".join(row[name] for name in key.split()): row[value] for row in rows(path)}


def test_instances_have_the_protection_that_they_were_built_with(folder: Path, served: Served) -> None:
    said = by_key(folder / "instances.csv", "account region instance_id", "protection")
    true = {key: value["protection"] for key, value in served.truth["instances"].items()}
    assert differences(said, true) == []
    assert Counter(said.values()) == served.truth["counts"]["instances"]


def test_instances_stand_on_the_right_computer_and_policy(folder: Path, served: Served) -> None:
    for row in rows(folder / "instances.csv"):
        true = served.truth["instances"]["|".join((row["account"], row["region"], row["instance_id"]))]
        duplicates = ";".join(str(number) for number in sorted(true["duplicates"]))
        want = (str(true["computer_id"] or ""), true["policy"] or "", true["ecs_cluster"] or "", true["owner"] or "", duplicates)
        assert (row["computer_id"], row["policy"], row["ecs_cluster"], row["owner"], row["duplicates"]) == want, row["instance_id"]


def test_virtual_patches_have_the_state_that_they_were_built_for(folder: Path, served: Served) -> None:
    said = by_key(folder / "virtual_patches.csv", "finding_arn instance_id image cve", "state")
    true = {key: value["state"] for key, value in served.truth["virtual_patches"].items()}
    assert differences(said, true) == []
    assert Counter(said.values()) == served.truth["counts"]["virtual_patches"]


def test_bucket_paths_are_those_that_the_policies_open(folder: Path, served: Served) -> None:
    said = by_key(folder / "bucket_access.csv", "bucket role_arn instance_id via", "decision")
    assert differences(said, served.truth["bucket_access"]) == []


def test_web_entries_have_the_state_that_they_were_built_for(folder: Path, served: Served) -> None:
    said = by_key(folder / "web_entries.csv", "account region type entry", "state")
    assert differences(said, served.truth["web_entries"]) == []


def test_every_finding_is_listed_once_for_each_instance_it_names(folder: Path, served: Served) -> None:
    listed: dict[str, set[str]] = {}
    for row in rows(folder / "findings.csv"):
        listed.setdefault(f"{row['source']}|{row['finding_id']}", set()).update({row["instance_id"]} - {""})
    true = {key: value["instances"] for key, value in served.truth["findings"].items()}
    assert listed.keys() == true.keys()
    assert {key: found for key, found in listed.items() if true[key] is not None and set(true[key]) != found} == {}


def test_sample_and_archived_findings_are_marked(folder: Path, served: Served) -> None:
    for row in rows(folder / "findings.csv"):
        true = served.truth["findings"][f"{row['source']}|{row['finding_id']}"]
        assert (row["sample"], row["archived"], row["severity"]) == (str(true["sample"]).lower(), str(true["archived"]).lower(), true["severity"])


def test_scopes_are_in_the_state_that_the_services_were_left_in(folder: Path, served: Served) -> None:
    said = {key: value for key, value in by_key(folder / "scopes.csv", "account region source", "state").items() if value != "skipped"}
    true = served.truth["scopes"]
    assert [line for line in differences(said, true) if not line.endswith("not in the truth")] == []


def test_services_that_are_off_fail_their_own_check_and_only_that(folder: Path, served: Served) -> None:
    true = served.truth["results"]
    said = {key: value for key, value in by_key(folder / "results.csv", "check_id account region", "status").items() if key in true}
    assert differences(said, true) == []
