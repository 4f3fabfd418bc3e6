"""A clean stop: the wish is noted at once, and heeded where a run can be left and gone on with later.

Between two answers, between two stages, between two changes; never in the midst of a write or of a seal. A second signal kills at once, and that
loses nothing that was kept.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from types import FrameType

from reporter.core.errors import Stopped
from reporter.run import Watch

SIGNALS = (signal.SIGTERM, signal.SIGINT)


@dataclass(frozen=True)
class Stop:
    """Somebody wants the run to stop. Threads may share it."""

    _asked: threading.Event = field(default_factory=threading.Event)

    def ask(self) -> None:
        self._asked.set()

    def heed(self) -> None:
        """Raises Stopped if somebody asked."""
        if self._asked.is_set():
            raise Stopped("the run was stopped", fix="run again")

    def watched(self, watch: Watch) -> Watch:
        """The same watch, and a run that heeds."""

        def stage(name: str) -> None:
            self.heed()
            watch.stage(name)

        def pulse() -> None:
            self.heed()
            watch.pulse()

        return replace(watch, stage=stage, pulse=pulse)


LAST_SECONDS = 30.0
"""what a function that is about to be ended keeps for the stop: the change under way, and its log"""


@contextmanager
def before_the_end(context: object) -> Iterator[Stop]:
    """A stop that is asked for shortly before a function's time is over. `context`: what AWS Lambda gives it."""
    stop = Stop()
    left = getattr(context, "get_remaining_time_in_millis", None)
    timer = threading.Timer(max(left() / 1000 - LAST_SECONDS, 0), stop.ask) if left else None
    if timer:
        timer.daemon = True
        timer.start()
    try:
        yield stop
    finally:
        if timer:
            timer.cancel()


@contextmanager
def on_signal() -> Iterator[Stop]:
    """A stop that SIGTERM (a task that is taken away) and SIGINT ask for. In the main thread only."""
    stop = Stop()
    before = {number: signal.getsignal(number) for number in SIGNALS}

    def asked(_number: int, _frame: FrameType | None) -> None:
        stop.ask()
        back()

    def back() -> None:
        for number, handler in before.items():
            signal.signal(number, handler)

    for number in SIGNALS:
        signal.signal(number, asked)
    try:
        yield stop
    finally:
        back()
