from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path

import boto3
import pytest

from reporter.reports import catalogue, tool
from tests.reports.views import view


def test_it_names_the_program_its_packages_and_the_checks_by_digests_that_can_be_made_again(tmp_path: Path) -> None:
    tool.REPORT.write(tmp_path, view())
    catalogue.REPORT.write(tmp_path, view())
    said = json.loads((tmp_path / "tool.json").read_text(encoding="utf-8"))
    assert said["catalogue_sha256"] == hashlib.sha256((tmp_path / "catalogue.json").read_bytes()).hexdigest()
    assert said["packages_sha256"] == hashlib.sha256("\n".join(said["packages"]).encode()).hexdigest()
    assert (said["version"], said["python"]) == ("0.1.0", ".".join(map(str, sys.version_info[:3])))
    assert {line.split("==")[0] for line in said["packages"]} >= {"boto3", "botocore", "pandas"}
    assert f"boto3=={boto3.__version__}" in said["packages"]


def test_the_source_digest_changes_with_one_byte(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("x = 1\n")
    (tmp_path / "a.pyc").write_text("anything")
    one = tool.digest_of(tmp_path)
    (tmp_path / "a.pyc").write_text("else")
    assert tool.digest_of(tmp_path) == one
    (tmp_path / "a.py").write_text("x = 2\n")
    assert tool.digest_of(tmp_path) != one


def test_the_commit_of_a_checkout_is_read_and_what_is_no_commit_is_not_known(tmp_path: Path) -> None:
    assert tool.checked_out(tmp_path) is None
    (tmp_path / "refs").mkdir()
    (tmp_path / "HEAD").write_text("ref: refs/main\n")
    assert tool.checked_out(tmp_path) is None
    (tmp_path / "refs" / "main").write_text("a" * 40 + "\n")
    assert tool.checked_out(tmp_path) == "a" * 40
    (tmp_path / "HEAD").write_text("b" * 40)
    assert tool.checked_out(tmp_path) == "b" * 40
    (tmp_path / "HEAD").write_text("nonsense")
    assert tool.checked_out(tmp_path) is None


@pytest.mark.parametrize(
    ("installed", "known"),
    [
        ({"url": "file:///tmp/x.whl", "archive_info": {"hashes": {"sha256": "ab" * 32}}}, "ab" * 32),
        ({"url": "file:///srv/checkout", "dir_info": {"editable": True}}, None),
        ({"url": "file:///tmp/x.whl", "archive_info": {}}, None),
        ([], None),
    ],
)
def test_the_wheel_is_known_where_the_installer_wrote_its_digest_down(installed: object, known: str | None) -> None:
    assert tool.archive_sha256(json.dumps(installed)) == known


def test_every_check_is_in_the_catalogue_once(tmp_path: Path) -> None:
    checks = json.loads(catalogue.catalogue(view()))["checks"]
    assert [check["id"] for check in checks] == ["agent_online", "firewall_active", "scans"]
