from __future__ import annotations

import os
import signal
from collections.abc import Callable

import pytest

from reporter.core.errors import Stopped
from reporter.run import Watch
from reporter.stopping import SIGNALS, Stop, on_signal


def test_nobody_asked_so_nothing_stops() -> None:
    told: list[str] = []
    watch = Stop().watched(Watch(stage=told.append))
    watch.stage("gather")
    watch.pulse()
    assert told == ["gather"]


@pytest.mark.parametrize("heeds", [lambda watch: watch.stage("judge"), lambda watch: watch.pulse()])
def test_a_wish_to_stop_is_heeded_before_the_next_step(heeds: Callable[[Watch], None]) -> None:
    told: list[str] = []
    stop = Stop()
    watch = stop.watched(Watch(stage=told.append))
    stop.ask()
    with pytest.raises(Stopped):
        heeds(watch)
    assert told == []


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_is_noted_and_the_next_one_is_not_held_up(number: signal.Signals) -> None:
    before = {one: signal.getsignal(one) for one in SIGNALS}
    with on_signal() as stop:
        assert signal.getsignal(number) != before[number]
        os.kill(os.getpid(), number)
        with pytest.raises(Stopped):
            stop.heed()
        assert {one: signal.getsignal(one) for one in SIGNALS} == before
    assert {one: signal.getsignal(one) for one in SIGNALS} == before
