"""The measurements in bench/ run: a column that results gain must not break them unseen."""

from __future__ import annotations

import pytest

from bench import exports


def test_the_size_of_each_export_is_measured(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("sys.argv", ["exports", "--instances", "2"])
    exports.main()
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("2 instances x ")
    assert [line.split()[:2] for line in lines[1:]] == [[name, what] for what in ("open", "all") for name in ("asff", "ocsf", "oscal")]
