"""The calculation of large estates: what it multiplies, and what it says gives way first."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bench.scale import MEASURED, Estate, Measured, main, parts

COST = Measured(scopes=140, calls=480, calls_per_finding=0.01, longest_calls=40, read_seconds=1, read_seconds_per_finding=1e-4)


def much(estate: Estate, what: str, cost: Measured = COST) -> float:
    return next(part.much for part in parts(estate, cost) if part.what.startswith(what))


def test_calls_grow_with_accounts_regions_and_findings() -> None:
    estate = Estate(accounts=10, findings=10_000)
    assert much(estate, "calls") == pytest.approx(10 * (480 + 0.01 * 1000))
    assert much(replace(estate, regions=34), "calls") == pytest.approx(10 * (2 * 480 + 0.01 * 1000))
    assert much(replace(estate, accounts=20, findings=20_000), "calls") == 2 * much(estate, "calls")


def test_an_account_takes_what_it_waits_or_what_it_computes_whichever_is_longer() -> None:
    near, far = Estate(accounts=4, findings=4000, workers=2, latency=0), Estate(accounts=4, findings=4000, workers=2, latency=1, threads=24)
    assert much(near, "accounts read") == pytest.approx(2 * (1 + 1e-4 * 1000))
    assert much(far, "accounts read") == pytest.approx(2 * max(490 / 24, 50 / 4))


def test_it_names_what_gives_way_first(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--accounts", "1000", "--findings", "100000000000", "--memory", "1e9"]) == 0
    assert MEASURED.run_bytes_per_finding > 0
    assert "what gives way first: the run itself: memory" in capsys.readouterr().out
