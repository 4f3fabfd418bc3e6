"""Every call that the product made at the sandbox or at moto, over the whole run of the tests, against the policies that are printed.

A call outside them fails the run, and so does an action that no test calls. A part of the tests is not judged. Calls of tests and of the sandbox's
builder are told apart by the user agent.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from botocore import handlers

from reporter.clients.aws_errors import iam_action
from reporter.permissions import granted, implied
from reporter.sandbox.aws.seen import FOLDER, Seen
from tests.schedules import EVERYTHING, schedule

FREE = {"sts:GetCallerIdentity"}
"""needs no permission"""
MORE = {
    "s3:CompleteMultipartUpload": ("s3:PutObject",),
    "s3:CreateMultipartUpload": ("s3:PutObject",),
    "s3:UploadPart": ("s3:PutObject",),
    "sesv2:SendEmail": ("ses:SendEmail", "ses:SendRawEmail"),
}
"""operations whose actions have other names, https://docs.aws.amazon.com/service-authorization/latest/reference/"""


SERVICES = {
    "auto-scaling": "autoscaling",
    "config-service": "config",
    "elastic-load-balancing": "elb",
    "elastic-load-balancing-v2": "elbv2",
    "s3-control": "s3control",
    "secrets-manager": "secretsmanager",
}
"""botocore's hyphened ids of services in its events -> their names"""


def actions(service: str, operation: str) -> tuple[str, ...]:
    """IAM actions that an operation needs."""
    return MORE.get(f"{service}:{operation}") or (iam_action(service, operation),)


def called(folder: Path) -> Iterator[tuple[str, str]]:
    """(service, operation) of every call of the product that was written down."""
    for file in sorted(folder.glob("*.txt")):
        for line in file.read_text(encoding="utf-8").splitlines():
            service, operation, who = line.split(" ")
            if who == "product":
                yield service, operation


def judge(calls: set[tuple[str, str]]) -> tuple[set[str], set[str]]:
    """(actions that were called and are not granted, actions that are granted and were not called)."""
    all_on = schedule(EVERYTHING)
    seen = {action for call in calls for action in actions(*call)} - FREE
    printed = granted(all_on)
    return seen - printed, printed - seen - implied(all_on)


def pytest_configure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):
        os.environ[FOLDER] = tempfile.mkdtemp(prefix="seen-")  # workers and their servers inherit it
    seen = Seen()

    def note(event_name: str, request: Any, **_: Any) -> None:
        """A call that moto answers in this process; all others reach a server of their own."""
        if "amazonaws.com" in urlsplit(request.url).netloc:
            service, operation = event_name.split(".")[1:3]
            agent = request.headers.get("User-Agent", b"")
            seen.add(SERVICES.get(service, service), operation, agent.decode() if isinstance(agent, bytes) else agent)

    handlers.BUILTIN_HANDLERS.insert(0, ("before-send", note))


def pytest_unconfigure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):
        shutil.rmtree(os.environ.pop(FOLDER), ignore_errors=True)


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    if exitstatus == pytest.ExitCode.OK and _whole(session.config):
        outside, unseen = judge(set(called(Path(os.environ[FOLDER]))))
        if outside or unseen:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    if not _whole(config):
        return
    calls = set(called(Path(os.environ[FOLDER])))
    outside, unseen = judge(calls)
    terminalreporter.section("calls of AWS over the whole run, against the printed policies")
    for service in sorted({service for service, _ in calls}):
        terminalreporter.write_line(f"{service:<22} {' '.join(sorted(operation for of, operation in calls if of == service))}")
    terminalreporter.write_line(f"called and not granted: {', '.join(sorted(outside)) or 'nothing'}")
    terminalreporter.write_line(f"granted and not called: {', '.join(sorted(unseen)) or 'nothing'}")


def _whole(config: pytest.Config) -> bool:
    """Is this a run of all tests, on the process that gathers them?"""
    tests = {"tests", str(config.rootpath / "tests")}
    narrowed = config.getoption("keyword") or config.getoption("markexpr") or config.getoption("deselect") or config.getoption("ignore")
    return not hasattr(config, "workerinput") and {arg.rstrip("/") for arg in config.args} <= tests and not narrowed
