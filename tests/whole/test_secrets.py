"""Secrets of a run: read by reference, rotated while it is at work, and nowhere to be found afterwards."""

from __future__ import annotations

import io
import json
from dataclasses import replace

import boto3
import pytest

from reporter.core import clock
from reporter.json_log import JsonLog
from reporter.run import run
from reporter.schedule import load
from tests.rule_estate import KEY, Estate, estate, poured
from tests.whole.test_run import rows, unpacked

__all__ = ["estate", "poured"]

YESTERDAY = "planted-key-of-yesterday"


def test_a_key_that_is_rotated_while_a_run_is_at_work_is_read_again_and_neither_is_shown(
    estate: Estate, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    monkeypatch.delenv("WP_API_KEY")
    ssm = boto3.client("ssm")
    ssm.put_parameter(Name="/reporter/wp", Type="SecureString", Value=YESTERDAY, Overwrite=True)
    estate.write()
    estate.schedule.write_text(estate.schedule.read_text(encoding="utf-8").replace("env:WP_API_KEY", "ssm:/reporter/wp"), encoding="utf-8")
    stream = io.StringIO()
    watch = JsonLog(stream).watch()

    def rotate(stage: str) -> None:
        if stage == "gather":
            ssm.put_parameter(Name="/reporter/wp", Type="SecureString", Value=KEY, Overwrite=True)
        watch.stage(stage)

    out = estate.folder / "out"
    finished = run(load(estate.schedule), out, clock.now(), watch=replace(watch, stage=rotate))
    ledger = [row for row in rows(finished.folder / "scopes.csv") if row["source"].startswith("wp_")]
    assert {row["state"] for row in ledger} == {"ok"}
    said = json.loads((finished.folder / "run.json").read_text(encoding="utf-8"))["keys_read_again"]
    assert said == ["the key of tenant main was refused (status 401) and read again: it is another one, which is used from now on"]
    noted = [json.loads(line)["message"] for line in stream.getvalue().splitlines() if '"operation":"key"' in line]
    assert noted == said
    told = capsys.readouterr()
    shown = [("log", stream.getvalue().encode()), ("stdout", told.out.encode()), ("stderr", told.err.encode())]
    left = [part for path in out.rglob("*") if path.is_file() for part in unpacked(path)]
    assert [(name, secret) for name, data in [*shown, *left] for secret in (YESTERDAY, KEY) if secret.encode() in data] == []
