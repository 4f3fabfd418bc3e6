from __future__ import annotations

import io
import re
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr

import pytest

from reporter.core.ledger import LedgerRow
from reporter.core.scope import Scope, ScopeState
from reporter.progress import progress
from reporter.run import Watch

PLACE = "ec2 in 111122223333 us-east-1"
UP, ERASE, SHOW_CURSOR = "\x1b[1A", "\x1b[2K", "\x1b[?25h"


class Terminal(io.StringIO):
    """A stderr that says it is a terminal, and what was seen on it."""

    def isatty(self) -> bool:
        return True

    @contextmanager
    def progress(self) -> Iterator[Watch]:
        with redirect_stderr(self), progress() as watch:
            yield watch

    @property
    def words(self) -> str:
        """All that was ever written, without colours and movements."""
        return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", self.getvalue())

    @property
    def left(self) -> list[str]:
        """The lines that stay."""
        lines, at = [""], 0
        for part in re.findall(r"\x1b\[[0-9;?]*[A-Za-z]|\r|\n|[^\x1b\r\n]+", self.getvalue()):
            if part == UP:
                at -= 1
            elif part == ERASE:
                lines[at] = ""
            elif part == "\n":
                at += 1
                lines += [""] * (at == len(lines))
            elif part != "\r" and not part.startswith("\x1b"):
                lines[at] += part
        return [line for line in lines if line.strip()]


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    for name in ("NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "80")
    return Terminal()


def row(state: ScopeState, message: str = "") -> LedgerRow:
    return LedgerRow(Scope("111122223333", "us-east-1", "ec2"), state, message=message)


def tell(watch: Watch) -> None:
    """A small run, as it tells of itself."""
    watch.stage("gather")
    watch.planned(3)
    watch.settled(row(ScopeState.OK))
    watch.settled(row(ScopeState.DENIED, "no right"))
    watch.stage("judge")


def test_where_stderr_is_no_terminal_nothing_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    with progress() as watch:
        tell(watch)
    assert capsys.readouterr() == ("", "")


def test_on_a_terminal_the_stage_and_the_settled_scopes_are_drawn(terminal: Terminal) -> None:
    with terminal.progress() as watch:
        tell(watch)
    assert "starting" in terminal.words
    assert re.search(r"judge .* 2/3 ", terminal.words)


def test_only_what_was_not_read_stays_on_the_terminal(terminal: Terminal, capsys: pytest.CaptureFixture[str]) -> None:
    with terminal.progress() as watch:
        tell(watch)
    assert terminal.left == [f"denied: {PLACE}: no right"]
    assert terminal.getvalue().rstrip("\r\n").endswith((UP + ERASE, ERASE))
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("state", list(ScopeState))
def test_a_scope_is_named_only_if_it_makes_the_run_incomplete(terminal: Terminal, state: ScopeState) -> None:
    with terminal.progress() as watch:
        watch.settled(row(state, "because"))
    unread = state in (ScopeState.DENIED, ScopeState.UNAVAILABLE)
    assert terminal.left == ([f"{state.value}: {PLACE}: because"] if unread else [])


def test_a_long_message_is_not_cut_into_lines(terminal: Terminal) -> None:
    message = " ".join(["iam:GetPolicyVersion"] * 20)
    with terminal.progress() as watch:
        watch.settled(row(ScopeState.UNAVAILABLE, message))
    assert terminal.left == [f"unavailable: {PLACE}: {message}"]


@pytest.mark.parametrize(
    ("message", "shown"),
    [
        ("[red]no[/red] [/nonsense]", "[red]no[/red] [/nonsense]"),
        ("arn:aws:kms:key:1", "arn:aws:kms:key:1"),
        ("no\nok: everything\n", "no ok: everything"),
        ("no\x1b]0;title\x07\u202e", "no\N{REPLACEMENT CHARACTER}]0;title\N{REPLACEMENT CHARACTER}\N{REPLACEMENT CHARACTER}"),
    ],
)
def test_what_the_world_said_does_not_steer_the_terminal(terminal: Terminal, message: str, shown: str) -> None:
    with terminal.progress() as watch:
        watch.settled(row(ScopeState.DENIED, message))
    assert terminal.left == [f"denied: {PLACE}: {shown}"]


def broken_run(terminal: Terminal) -> None:
    with terminal.progress() as watch:
        watch.stage("gather")
        raise RuntimeError("broke")


def test_a_run_that_breaks_leaves_a_usable_terminal(terminal: Terminal) -> None:
    with pytest.raises(RuntimeError, match="broke"):
        broken_run(terminal)
    assert terminal.left == []
    assert terminal.getvalue().rindex(SHOW_CURSOR) > terminal.getvalue().rindex("gather")
