"""The measurements in bench/ run: a column that results gain must not break them unseen."""

from __future__ import annotations

import pytest

from bench import exports, growth


def test_the_size_of_each_export_is_measured(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("sys.argv", ["exports", "--instances", "2"])
    exports.main()
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("2 instances x ")
    assert [line.split()[:2] for line in lines[1:]] == [[name, what] for what in ("open", "all") for name in ("asff", "ocsf", "oscal")]


@pytest.mark.parametrize(("power", "sizes"), [(1.0, (10, 100, 1000)), (0.5, (1, 10, 100, 1000)), (2.0, (3, 5, 9))])
def test_a_power_is_found_in_its_own_values(power: float, sizes: tuple[int, ...]) -> None:
    assert growth.fit(sizes, [7 * size**power for size in sizes]) == pytest.approx(power)


def test_what_grows_faster_than_its_input_does_not_hold() -> None:
    found = growth.lines([growth.Grown("findings", (10, 100, 1000), (1, 12, 150), (5, 6, 7))])
    assert [line.holds for line in found] == [False, True]
