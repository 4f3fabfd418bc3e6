"""The image is what the stack expects: user, paths, handler, locked requirements."""

from __future__ import annotations

import re
from pathlib import Path

from reporter.stack.function import HANDLER
from reporter.stack.job import RUNS, USER
from reporter.stack.parts import SCHEDULE

ROOT = Path(__file__).parent.parent
SAID = (ROOT / "Dockerfile").read_text(encoding="utf-8")


def test_the_base_is_pinned_to_a_version() -> None:
    bases = re.findall(r"^FROM (\S+)", SAID, re.MULTILINE)
    assert len(bases) == 2
    assert all(re.fullmatch(r"python:3\.11\.\d+-slim-\w+", base) for base in bases)


def test_requirements_are_checked_by_hash_and_hold_what_lambda_starts() -> None:
    assert "--require-hashes" in SAID
    assert re.search(r"^awslambdaric==\S+ \\\n    --hash=sha256:", (ROOT / "requirements" / "image.txt").read_text(encoding="utf-8"), re.MULTILINE)


def test_bytecode_of_the_packages_and_of_the_standard_library_is_in_the_image() -> None:
    """The image writes none while it runs."""
    assert "PYTHONDONTWRITEBYTECODE=1" in SAID
    compiled = re.findall(r"python -m compileall -q --invalidation-mode unchecked-hash (?:-x \S+ )?(\S+)", SAID)
    assert compiled == ["/opt/reporter/lib", "/usr/local/lib/python3.11"]


def test_user_and_paths_are_those_of_the_stack() -> None:
    assert f"USER {USER}:{USER}" in SAID
    assert f'VOLUME ["{RUNS}", "/tmp"]' in SAID
    assert f"schedule.yaml {SCHEDULE}" in SAID
    assert HANDLER == "reporter.aws_lambda.handler"


def test_what_is_copied_is_sent_to_the_builder_and_nothing_else() -> None:
    copied = {word for line in re.findall(r"^COPY (?!--from)(?:--\S+ )?(.+) \S+$", SAID, re.MULTILINE) for word in line.split()}
    sent = {line[1:] for line in (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines() if line.startswith("!")}
    assert copied == sent
    assert all((ROOT / name).exists() for name in sent)
