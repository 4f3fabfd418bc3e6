from __future__ import annotations

import argparse
import json
import signal
import socket
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
import requests

from reporter.core.errors import ReporterError
from reporter.sandbox import serve
from reporter.sandbox.estate.build import environment


def started(*arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "reporter.sandbox.serve", "--size", "empty", "--aws-port", "0", "--wp-port", "0", *arguments]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def ended(process: subprocess.Popen[str], number: int) -> int:
    process.send_signal(number)
    assert process.stdout is not None
    process.stdout.close()
    return process.wait(timeout=30)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_serves_until_it_is_told_to_stop(number: int) -> None:
    process = started("--json")
    assert process.stdout is not None
    said = json.loads(process.stdout.readline())
    assert requests.get(f"{said['aws_endpoint']}/sandbox/calls", timeout=30).json() == []
    assert requests.get(f"{said['wp_url'].removesuffix('/api')}/sandbox/calls", timeout=30).json() == []
    assert ended(process, number) == 0


def test_people_get_lines_to_paste_and_the_schedule_in_a_file(tmp_path: Path) -> None:
    process = started("--schedule-out", str(tmp_path / "s.yaml"), "--truth-out", str(tmp_path / "t.json"))
    assert process.stdout is not None
    lines = [process.stdout.readline() for _ in range(8)]
    assert [line.split("=")[0] for line in lines[1:7]] == [f"export {name}" for name in (*environment("x"), "WP_API_URL")]
    assert str(tmp_path / "s.yaml") in lines[7]
    assert ended(process, signal.SIGTERM) == 0
    assert "workload_protection:" in (tmp_path / "s.yaml").read_text(encoding="utf-8")
    assert json.loads((tmp_path / "t.json").read_text(encoding="utf-8")) == {}


def test_a_sandbox_that_does_not_come_up_says_why() -> None:
    with pytest.raises(ReporterError, match="invalid choice: 'huge'"), serve.sandbox(size="huge"):
        raise AssertionError("it came up")


def test_a_sandbox_ends_with_its_block() -> None:
    with serve.sandbox(size="empty", now=datetime(2026, 11, 24, tzinfo=UTC)) as running:
        assert dict(running.environment) == environment(running.aws_endpoint)
    with pytest.raises(requests.ConnectionError):
        requests.get(f"{running.aws_endpoint}/sandbox/calls", timeout=5)


def test_a_taken_port_gives_way_to_the_next_free_one() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert port < serve._free(port) < port + serve.PORTS_TRIED


def test_no_free_port_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serve, "PORTS_TRIED", 1)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(ReporterError, match="no free port between"):
            serve._free(taken.getsockname()[1])


def test_an_instant_without_a_zone_is_refused() -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="no instant"):
        serve._instant("2026-11-24 03:00")


def test_the_dummy_keys_are_recognisable_as_the_sandboxs() -> None:
    said = environment("http://127.0.0.1:1")
    assert all("sandbox" in said[name].lower() for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "WP_API_KEY"))
