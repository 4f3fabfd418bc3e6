from __future__ import annotations

import re
from pathlib import Path

import pytest

from reporter.reports.readme import REPORT
from tests.reports.views import hostile, view


@pytest.fixture
def texts(tmp_path: Path) -> dict[str, str]:
    REPORT.write_all(tmp_path, view())
    return {path.name: path.read_bytes().decode("ascii" if path.name == "README.txt" else "utf-8") for path in tmp_path.iterdir()}


def test_both_are_written_once_whatever_the_languages_of_the_run_are(tmp_path: Path) -> None:
    REPORT.write_all(tmp_path, view(languages=("de", "en")))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["LIESMICH.txt", "README.txt"]


def test_they_name_the_run_and_how_old_its_news_is(texts: dict[str, str]) -> None:
    for text in texts.values():
        assert "main-000001" in text
        assert text.count("2026-11-24T03:00:00Z") == 2
        assert "last_contact" in text
        assert "first_seen" in text
        assert "{{" not in text
        assert "\r" not in text


@pytest.mark.parametrize("name", ["README.txt", "LIESMICH.txt"])
def test_every_part_is_there(texts: dict[str, str], name: str) -> None:
    heads = [line for line in texts[name].splitlines() if line.isupper() and len(line) > 12 and not line.startswith(" ")]
    assert len(heads) == 4
    assert max(map(len, texts[name].splitlines())) < 150


def test_they_name_only_files_that_a_run_has(texts: dict[str, str]) -> None:
    for text in texts.values():
        assert [int(line.split()[0]) for line in text.splitlines() if re.match(r" {2,3}\d+  ", line)] == list(range(1, 23))
        for name in ("results.csv", "instances.csv", "scopes.csv", "run.json", "SHA256SUMS", "SEAL.txt.sig", "signing-key.pem", "previous-SEAL.txt"):
            assert f"\n  {name} " in text


def test_an_endpoint_that_is_not_aws_is_said_at_the_top_in_one_line(tmp_path: Path) -> None:
    REPORT.write_all(tmp_path, view(endpoint_override="http://127.0.0.1:5000/ü\n\x1b[2J"))
    for name in ("README.txt", "LIESMICH.txt"):
        line = (tmp_path / name).read_text(encoding="utf-8").splitlines()[3]
        assert "127.0.0.1:5000/\\xfc \\ufffd[2J." in line
        assert "AWS: " in line


def test_hostile_text_changes_nothing(tmp_path: Path, texts: dict[str, str]) -> None:
    (tmp_path / "x").mkdir()
    REPORT.write_all(tmp_path / "x", hostile())
    assert {name: (tmp_path / "x" / name).read_text(encoding="utf-8") for name in texts} == texts
