"""Generated pages are what the code says today, and the pages that are written by hand name nothing that is not there."""

from __future__ import annotations

import re
import runpy
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from reporter.cli import cli

ROOT = Path(__file__).parent.parent
PAGES = runpy.run_path(str(ROOT / "docs" / "generate.py"))["PAGES"]


@pytest.mark.parametrize("name", sorted(PAGES))
def test_a_generated_page_is_up_to_date(name: str) -> None:
    assert (ROOT / "docs" / name).read_text(encoding="utf-8") == PAGES[name](), "run: make docs"


@pytest.mark.parametrize("page", sorted(path.relative_to(ROOT).as_posix() for path in [ROOT / "README.md", *ROOT.glob("docs/*.md")]))
def test_every_link_leads_to_a_file(page: str) -> None:
    place = (ROOT / page).parent
    links = re.findall(r"\]\(([^)#][^)]*)\)", (ROOT / page).read_text(encoding="utf-8"))
    assert [link for link in links if not link.startswith("http") and not (place / link.split("#")[0]).exists()] == []


def test_the_readme_names_only_commands_that_exist() -> None:
    named = set(
        re.findall(r"reporter (run|demo|judge|check|init|schema|sandbox|[a-z]+) (?:--|out/|serve)", (ROOT / "README.md").read_text(encoding="utf-8"))
    )
    assert named
    assert named <= set(cli.commands)


def test_every_command_explains_itself() -> None:
    for name, command in cli.commands.items():
        assert command.help, name
        said = subprocess.run([sys.executable, "-m", "reporter.cli", name, "--help"], capture_output=True, text=True, check=True)
        assert said.stdout.startswith("Usage: "), name


def test_every_package_is_shipped() -> None:
    listed = set(tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["setuptools"]["packages"])
    there = {".".join(path.parent.relative_to(ROOT).parts) for path in (ROOT / "reporter").rglob("__init__.py")}
    assert listed == there | {"reporter.templates"}


def test_locks_name_no_host_and_hash_everything() -> None:
    for path in (ROOT / "requirements").glob("*.txt"):
        text = path.read_text(encoding="utf-8")
        assert "://" not in text, path.name
        pinned = [line for line in text.splitlines() if re.match(r"[a-z0-9]", line)]
        assert pinned
        assert all(line.rstrip().endswith("\\") for line in pinned), path.name
