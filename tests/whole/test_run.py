"""The nightly run as a user starts it: a process of its own, against servers of their own."""

from __future__ import annotations

import csv
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from tests.whole.conftest import Served

pytestmark = pytest.mark.xdist_group("whole")

CLOCK = "2026-11-24T03:00:00Z"
FILES = [
    "run.json",
    "plan.json",
    "findings.csv",
    "scopes.csv",
    "results.csv",
    "instances.csv",
    "virtual_patches.csv",
    "bucket_access.csv",
    "web_entries.csv",
    "actions.jsonl",
    "config_evaluations.jsonl",
    "report.html",
    "report.xlsx",
    "mail",
    "tables",
    "raw",
    "redactions.json",
    "queries.jsonl",
    "population.csv",
    "reconciliation.csv",
    "between_runs.csv",
    "identities.csv",
    "changes.csv",
    "exceptions.csv",
    "mapping.csv",
    "tool.json",
    "catalogue.json",
    "self_test.json",
    "limitations.txt",
    "GRENZEN.txt",
    "README.txt",
    "LIESMICH.txt",
    "SHA256SUMS",
    "SEAL.txt",
    "SEAL.txt.sig",
    "signing-key.pem",
]
COLUMNS = {
    "findings.csv": "source finding_id account region type severity resource instance_id protection sample archived action updated_at",
    "scopes.csv": "account region source state rows calls retries seconds message permission",
    "results.csv": "check_id resource account region status severity reason observed expected owner first_seen age_days waiver due calls",
    "instances.csv": "account region instance_id ecs_cluster owner protection computer_id policy duplicates last_contact anti_malware web_reputation "
    "activity_monitoring firewall intrusion_prevention integrity_monitoring log_inspection application_control",
    "virtual_patches.csv": "account region instance_id image cve severity state rule_identifiers policy finding_arn first_observed age_days",
    "bucket_access.csv": "bucket account role_arn instance_id via allowed_by decision protection",
    "web_entries.csv": "account region entry type internet_facing web_acl instances policies wanted_groups present_groups state",
}


def reporter(served: Served, *arguments: str | Path, environment: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """The command, with the sandbox's environment alone."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "WP_"))}
    return subprocess.run(
        [sys.executable, "-m", "reporter.cli", *map(str, arguments)],
        env={**kept, **served.environment, **(environment or {})},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


@pytest.fixture(scope="module")
def schedule(served: Served, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("schedule") / "schedule.yaml"
    path.write_text(served.schedule, encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def finished(served: Served, schedule: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[dict[str, object]]]:
    """One healthy run, and every call that the servers received for it."""
    out = tmp_path_factory.mktemp("out")
    served.forget()
    done = reporter(served, "run", "--schedule", schedule, "--out", out, "--now", CLOCK)
    assert done.returncode == 0, done.stdout + done.stderr
    folder = Path(done.stdout.splitlines()[-1])
    assert folder == out / "run-000001"
    aws, wp = served.calls()
    return folder, [*aws, *wp]


def test_a_run_leaves_every_file_of_the_contract(finished: tuple[Path, object]) -> None:
    folder, _ = finished
    assert [name for name in FILES if not (folder / name).exists()] == []
    assert {path.name for path in folder.parent.iterdir()} == {"run-000001", ".state"}
    for name, columns in COLUMNS.items():
        with (folder / name).open(encoding="utf-8") as stream:
            assert stream.readline().strip().split(",") == columns.split(), name


def test_a_run_makes_no_write_call(finished: tuple[Path, list[dict[str, object]]]) -> None:
    _, calls = finished
    assert len(calls) > 100
    assert [call for call in calls if call["write"]] == []


def test_the_ledger_has_one_row_for_each_planned_scope(finished: tuple[Path, object], served: Served) -> None:
    folder, _ = finished
    ledger = rows(folder / "scopes.csv")
    keys = Counter((row["account"], row["region"], row["source"]) for row in ledger)
    assert max(keys.values()) == 1
    assert {row["state"] for row in ledger} == {"ok", "not_enabled", "skipped"}
    assert all(row["message"] for row in ledger if row["state"] != "ok")
    assert json.loads((folder / "run.json").read_text())["counts"]["scopes"] == {
        state: sum(row["state"] == state for row in ledger) for state in ("ok", "denied", "not_enabled", "unavailable", "skipped")
    }


def test_every_output_says_that_the_endpoint_is_not_aws(finished: tuple[Path, object], served: Served) -> None:
    folder, _ = finished
    assert json.loads((folder / "run.json").read_text())["endpoint_override"] == served.aws
    assert served.aws in (folder / "report.html").read_text()
    assert served.aws in (folder / "mail" / "summary.eml").read_text().replace("=\n", "").replace("=3D", "=")


def test_the_pack_holds_for_openssl_and_sha256sum(finished: tuple[Path, object]) -> None:
    folder, _ = finished
    verify = ["openssl", "dgst", "-sha256", "-verify", "signing-key.pem", "-signature", "SEAL.txt.sig", "SEAL.txt"]
    assert subprocess.run(verify, cwd=folder, capture_output=True, text=True, check=False).stdout.strip() == "Verified OK"
    assert subprocess.run(["sha256sum", "--strict", "--quiet", "-c", "SHA256SUMS"], cwd=folder, check=False).returncode == 0
    listed = {line.split("  ", 1)[1] for line in (folder / "SHA256SUMS").read_text().splitlines()}
    there = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert there - listed == {"SHA256SUMS", "SEAL.txt", "SEAL.txt.sig", "signing-key.pem"}


def test_no_secret_and_no_user_of_a_finding_is_in_the_pack_however_it_is_packed(finished: tuple[Path, object], served: Served) -> None:
    folder, _ = finished
    planted = [served.environment[name].encode() for name in ("WP_API_KEY", "AWS_SECRET_ACCESS_KEY") if served.environment.get(name)]
    planted += [b"SecretAccessKey", b"SessionToken", b"AIDAEXAMPLE", b"AKIAEXAMPLEEXAMPLE00", b'"operator"', b"NextToken=", b"ExternalId"]
    parts = [part for path in folder.rglob("*") if path.is_file() for part in unpacked(path)]
    assert len(parts) > len(list((folder / "raw").rglob("*.zst")))
    assert [(name, text) for name, data in parts for text in planted if text in data] == []


def unpacked(path: Path) -> Iterator[tuple[str, bytes]]:
    """What a file says, and what is packed in it."""
    data = path.read_bytes()
    yield path.name, data
    if path.suffix == ".zst":
        yield path.name, pa.CompressedInputStream(pa.BufferReader(data), "zstd").read()
    elif path.suffix == ".xlsx":
        with zipfile.ZipFile(path) as book:
            yield from ((f"{path.name}/{name}", book.read(name)) for name in book.namelist())
    elif path.suffix == ".parquet":
        yield path.name, pq.read_table(path).to_pandas().to_csv().encode()


def test_every_call_that_the_world_received_is_in_the_pack(finished: tuple[Path, list[dict[str, object]]]) -> None:
    folder, received = finished
    queries = lines(folder / "queries.jsonl")
    sent = sum(query["attempts"] for query in queries)
    assert sent == len(received)
    assert {query["call"] for query in queries if not query["date"] and query["attempts"]} == set()
    assert [query["raw"] for query in queries if query["raw"] and not (folder / query["raw"]).is_file()] == []
    raw = {path.relative_to(folder).as_posix() for path in (folder / "raw").rglob("*.zst")}
    assert {query["raw"] for query in queries} - {None} == raw
    ledger = {(row["source"], row["account"], row["region"]): int(row["calls"]) for row in rows(folder / "scopes.csv")}
    made = Counter((query["source"], query["account"], query["region"]) for query in queries if query["attempts"])
    assert {scope: calls for scope, calls in ledger.items() if calls} == {scope: calls for scope, calls in made.items() if scope in ledger}
    assert all(query["last_page"] is not None for query in queries if not query["error"])


def test_the_pack_adds_up_and_the_self_test_passes(finished: tuple[Path, object]) -> None:
    folder, _ = finished
    assert json.loads((folder / "self_test.json").read_text(encoding="utf-8"))["passed"]
    reconciled = rows(folder / "reconciliation.csv")
    assert {row["state"] for row in reconciled if row["line"] in ("ec2", "wp", "wp_again")} == {"equal"}
    assert {"equal"} <= {row["state"] for row in reconciled if row["line"] == "config"} <= {"equal", "unknown"}
    population = rows(folder / "population.csv")
    assert sum(row["kind"] in ("matched", "ec2_only") for row in population) == len(rows(folder / "instances.csv"))
    assert {row["event"] for row in rows(folder / "between_runs.csv")} == {"unknown"}
    assert all(row["arn"] for row in rows(folder / "identities.csv"))
    sources = {query["source"] for query in lines(folder / "queries.jsonl")}
    named = {part.partition("/")[0] for row in rows(folder / "results.csv") for part in row["calls"].split()}
    assert named <= sources


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_the_same_state_and_clock_give_the_same_bytes(finished: tuple[Path, object], served: Served, schedule: Path, tmp_path: Path) -> None:
    folder, _ = finished
    again = reporter(served, "run", "--schedule", schedule, "--out", tmp_path, "--now", CLOCK)
    assert again.returncode == 0, again.stderr
    once = [
        json.dumps([{k: v for k, v in query.items() if k not in UNLIKE} for query in lines(run / "queries.jsonl")])
        for run in (folder, tmp_path / "run-000001")
    ]
    assert once[0] == once[1]
    for name in [*COLUMNS, *EVIDENCE, "actions.jsonl", "config_evaluations.jsonl", "plan.json", "redactions.json"]:
        before, after = ((where / name).read_text() for where in (folder, tmp_path / "run-000001"))
        if name == "scopes.csv":
            before, after = (_without_seconds(where / name) for where in (folder, tmp_path / "run-000001"))
        assert before == after, name


EVIDENCE = ("population.csv", "reconciliation.csv", "between_runs.csv", "identities.csv", "exceptions.csv", "mapping.csv")
UNLIKE = ("date", "answered_at", "request_id")
"""what two equal runs differ in"""


def _without_seconds(path: Path) -> str:
    return "\n".join(",".join(value for name, value in row.items() if name != "seconds") for row in rows(path))


def test_a_stored_run_judged_again_gives_the_same_results_without_the_world(finished: tuple[Path, object], served: Served, tmp_path: Path) -> None:
    folder, _ = finished
    copied = tmp_path / folder.name
    shutil.copytree(folder, copied)
    shutil.copytree(folder.parent / ".state", tmp_path / ".state")
    served.forget()
    done = reporter(served, "judge", copied, environment={"AWS_ENDPOINT_URL": "http://127.0.0.1:9", "WP_API_KEY": ""})
    assert done.returncode == 0, done.stderr
    judged = tmp_path / "run-000002"
    said = json.loads((judged / "run.json").read_text())
    assert (said["kind"], said["acts_on"]) == ("judge", "main-000001")
    assert served.calls() == ([], [])
    assert (judged / "queries.jsonl").read_bytes() == (copied / "queries.jsonl").read_bytes()
    for name in [*COLUMNS, "population.csv", "reconciliation.csv", "between_runs.csv", "identities.csv"]:
        before, after = rows(copied / name), rows(judged / name)
        if name == "results.csv":  # the pack of the run before is there now, and was not then
            before, after = ([row for row in some if row["check_id"] != "evidence_sealed"] for some in (before, after))
        assert before == after, name


def test_a_second_run_keeps_ages_and_stands_on_the_seal_before_it(
    finished: tuple[Path, object], served: Served, schedule: Path, tmp_path: Path
) -> None:
    folder, _ = finished
    shutil.copytree(folder.parent, tmp_path / "out")
    done = reporter(served, "run", "--schedule", schedule, "--out", tmp_path / "out", "--now", "2026-11-26T03:00:00Z")
    assert done.returncode == 0, done.stderr
    second = tmp_path / "out" / "run-000002"
    sealed = [row for row in rows(second / "results.csv") if row["check_id"] == "evidence_sealed"]
    assert [(row["status"], row["resource"]) for row in sealed] == [("PASS", "main-000001")]
    held = [row for row in rows(second / "results.csv") if row["check_id"] == "instance_protected" and row["first_seen"] == CLOCK]
    assert held
    assert {row["age_days"] for row in held} == {"2"}
    between = rows(second / "between_runs.csv")
    assert {row["event"] for row in between} == {"unknown", "came_and_went"}  # the estate's ended instances: they ended after the first run's clock
    assert all("config" in row["explanation"].lower() for row in between if row["event"] == "unknown")


def test_an_account_that_cannot_be_assumed_is_denied_and_unknown(served: Served, schedule: Path, tmp_path: Path) -> None:
    account = yaml.safe_load(served.schedule)["aws"]["accounts"][1]["id"]
    served.break_aws(service="sts", operation="AssumeRole", account=None, region=None, fault="access_denied", times=None)
    single = _with_accounts(served, [account], tmp_path)
    done = reporter(served, "run", "--schedule", single, "--out", tmp_path / "out", "--now", CLOCK)
    assert done.returncode == 3, done.stdout + done.stderr
    ledger = [row for row in rows(tmp_path / "out" / "run-000001" / "scopes.csv") if row["account"] == account]
    assert {row["state"] for row in ledger} == {"denied"}
    assert all("sts:AssumeRole" in row["permission"] for row in ledger)
    statuses = {row["status"] for row in rows(tmp_path / "out" / "run-000001" / "results.csv") if row["account"] == account}
    assert statuses == {"UNKNOWN"}


def _with_accounts(served: Served, accounts: list[str], folder: Path) -> Path:
    value = yaml.safe_load(served.schedule)
    value["aws"]["accounts"] = [item for item in value["aws"]["accounts"] if item["id"] in accounts]
    path = folder / "some.yaml"
    path.write_text(yaml.safe_dump(value), encoding="utf-8")
    return path


def test_a_wrong_key_makes_the_tenant_denied_and_instances_unknown_never_unmanaged(served: Served, schedule: Path, tmp_path: Path) -> None:
    done = reporter(served, "run", "--schedule", schedule, "--out", tmp_path, "--now", CLOCK, environment={"WP_API_KEY": "sandbox-mistaken"})
    assert done.returncode == 3, done.stdout + done.stderr
    ledger = [row for row in rows(tmp_path / "run-000001" / "scopes.csv") if row["source"].startswith("wp_")]
    assert {row["state"] for row in ledger} == {"denied"}
    assert {row["protection"] for row in rows(tmp_path / "run-000001" / "instances.csv")} == {"unknown"}
    assert "sandbox-mistaken" not in done.stdout + done.stderr


def test_failing_checks_exit_5_when_asked(served: Served, schedule: Path, tmp_path: Path) -> None:
    done = reporter(served, "run", "--schedule", schedule, "--out", tmp_path, "--now", CLOCK, "--fail-on", "FAIL")
    assert done.returncode == 5


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"evidence": {"lock": "compliance"}}, "lock_cannot_be_undone: true"),
        ({"zzz": 1}, "unknown key"),
    ],
)
def test_what_cannot_be_done_is_refused_before_anything_is_read(served: Served, tmp_path: Path, change: dict[str, object], said: str) -> None:
    path = tmp_path / "schedule.yaml"
    path.write_text(yaml.safe_dump({**yaml.safe_load(served.schedule), **change}), encoding="utf-8")
    served.forget()
    done = reporter(served, "run", "--schedule", path, "--out", tmp_path / "out")
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert served.calls() == ([], [])
    assert not (tmp_path / "out").exists()


def test_a_missing_key_is_named(served: Served, schedule: Path, tmp_path: Path) -> None:
    done = reporter(served, "run", "--schedule", schedule, "--out", tmp_path / "out", environment={"WP_API_KEY": ""})
    assert done.returncode == 2
    assert "WP_API_KEY is not set" in done.stderr


def test_check_says_what_works_and_what_to_change(served: Served, schedule: Path) -> None:
    good = _checked(served, schedule)
    assert {row.split(" in ")[0] for row, state in good.items() if state != "ok"} == {"AWS Config", "GuardDuty", "Inspector", "Macie"}  # off there
    assert good["Workload Protection main"] == "ok"
    bad = _checked(served, schedule, environment={"WP_API_KEY": "wrong"})
    assert bad["Workload Protection main"] == "FAIL"


def _checked(served: Served, schedule: Path, **changes: Any) -> dict[str, str]:
    """Each row of the preflight and its state; fixes stand in lines of their own."""
    done = reporter(served, "check", "--schedule", schedule, **changes)
    assert done.returncode == 3, done.stdout + done.stderr
    lines = [re.split(r"  +", line, maxsplit=2) for line in done.stdout.splitlines() if line[:1].strip()]
    return {line[1]: line[0] for line in lines if len(line) > 1}


def test_a_killed_run_leaves_nothing_that_looks_finished(served: Served, schedule: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "WP_"))}
    process = subprocess.Popen(
        [sys.executable, "-m", "reporter.cli", "run", "--schedule", str(schedule), "--out", str(out)],
        env={**kept, **served.environment},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    _wait_for(lambda: any(out.glob(".building-*/raw/*")))
    process.send_signal(signal.SIGKILL)
    process.wait(timeout=30)
    assert list(out.glob("run-*")) == []
    done = reporter(served, "run", "--schedule", schedule, "--out", out, "--now", CLOCK)
    assert done.returncode == 0, done.stderr
    assert sorted(path.name for path in out.iterdir()) == [".state", "run-000001"]


def _wait_for(condition: object, seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)
