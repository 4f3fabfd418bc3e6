"""Sends the messages of a sealed run: each at most once, wherever the process dies, and says what became of it.

Announced in the state before the first try, received after the last. What was surely not taken, and may be taken later, is tried again a few times;
what may have been taken never is.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from email.message import EmailMessage
from pathlib import Path

from reporter.clients.links import Links
from reporter.clients.mail import Send, opener, passing
from reporter.clients.store import Store
from reporter.core import clock
from reporter.core.action import Refused, Uncertain
from reporter.core.errors import ReporterError, ScopeProblem
from reporter.delivery.parts import Link, ready
from reporter.evidence.seal import read_seal, sha256
from reporter.schedule import Email
from reporter.state.deliveries import Delivery, DeliveryState, announce, forget, message_files, of_run, receive

PAUSES = (5.0, 20.0, 60.0)
"""seconds before each further try of what was not taken and may be taken later"""


@dataclass(frozen=True)
class _Letter:
    """A message that was announced."""

    run: str
    name: str
    to: str
    message: EmailMessage


@dataclass(frozen=True)
class Outbox:
    """How a chain's reports are mailed. `now`: the present."""

    email: Email | None
    store: Store
    now: Callable[[], datetime]
    send: Send | None = None
    sleep: Callable[[float], None] = time.sleep

    def publish(self, run: Path) -> tuple[Delivery, ...]:
        """Send what is in mail/ of a sealed run. Never raises for what cannot be sent: it is said, message by message."""
        files = message_files(run)
        if self.email is None or self.send is None or not files:
            return ()
        run_id, seal = read_seal(run)["run_id"], sha256(run / "SEAL.txt")
        linking = _linking(self.email, run_id)
        done: dict[str, Delivery] = {}
        waiting: list[_Letter] = []
        for file in files:
            letter = self._announced(file, run_id, seal, linking)
            if isinstance(letter, Delivery):
                done[file.stem] = letter
            else:
                waiting += self._try([letter], done, last=False)
        for pause in PAUSES:
            if waiting:
                self.sleep(pause)
                waiting = self._try(waiting, done, last=pause == PAUSES[-1])
        return self._without_old(run_id, tuple(done[name] for name in sorted(done)))

    def _without_old(self, run_id: str, done: tuple[Delivery, ...]) -> tuple[Delivery, ...]:
        """The same, once the state holds no more records than it is to; that it could not be tidied is said in the last one."""
        try:
            forget(self.store, run_id)
        except ReporterError as error:
            return (*done[:-1], replace(done[-1], message=f"{done[-1].message}; records of old runs stay in the state: {_line(error)}"))
        return done

    def _try(self, letters: Sequence[_Letter], done: dict[str, Delivery], *, last: bool) -> list[_Letter]:
        """Try each once; what is settled is added to `done`, what to try again later is returned."""
        again = []
        for letter in letters:
            delivery, later = self._tried(letter)
            if later and not last:
                again.append(letter)
            else:
                done[letter.name] = self._received(delivery)
        return again

    def _announced(self, file: Path, run_id: str, seal: str, link: Link | None) -> _Letter | Delivery:
        """The message, once it is announced; or what became of it already."""
        assert self.email is not None  # noqa: S101  # publish sees to it
        to = ""
        try:
            message = ready(
                file,
                seal,
                sender=self.email.sender,
                reply_to=self.email.reply_to,
                max_bytes=self.email.max_bytes,
                hours=self.email.link_hours,
                link=link,
            )
            to = str(message["To"])
            first = announce(self.store, run_id, file.stem, {"to": to, "message_id": str(message["Message-ID"]), "seal": seal}, self.now())
        except (ReporterError, OSError) as error:
            return Delivery(run_id, file.stem, to, DeliveryState.NOT_SENT, self.now(), f"not handed over: {_line(error)}")
        if not first:
            known = next((one for one in of_run(self.store, run_id) if one.name == file.stem and one.state is not DeliveryState.UNKNOWN), None)
            return known or Delivery(run_id, file.stem, to, DeliveryState.UNKNOWN, self.now(), "it was announced before: it is not sent twice")
        return _Letter(run_id, file.stem, to, message)

    def _tried(self, letter: _Letter) -> tuple[Delivery, bool]:
        """What became of one try, and whether another one may help."""
        assert self.send is not None  # noqa: S101  # publish sees to it
        try:
            receipt = self.send(letter.message)
        except Refused as refused:
            return Delivery(letter.run, letter.name, letter.to, DeliveryState.REFUSED, self.now(), refused.message), passing(refused)
        except ScopeProblem as problem:
            said = f"{problem.message}; grant {problem.permission}" if problem.permission else problem.message
            return Delivery(letter.run, letter.name, letter.to, DeliveryState.REFUSED, self.now(), said), False
        except Uncertain as uncertain:
            said = f"it may have been sent, and is not sent again: {uncertain.message}"
            return Delivery(letter.run, letter.name, letter.to, DeliveryState.UNKNOWN, self.now(), said), False
        return Delivery(letter.run, letter.name, letter.to, DeliveryState.SENT, self.now(), receipt), False

    def _received(self, delivery: Delivery) -> Delivery:
        try:
            receive(self.store, delivery)
        except ReporterError as error:
            return replace(delivery, message=f"{delivery.message}; the state has no receipt of it: {_line(error)}")
        return delivery


def outbox(email: Email | None, store: Store, start: datetime, wanted: Sequence[object]) -> Outbox:
    """Ready to send, with a clock that runs from `start`. Opens no connection; reads the password if anybody gets a mail. Raises ScheduleError."""
    return Outbox(email, store, clock.running(start), opener(email) if email and wanted else None)


def _linking(email: Email, run_id: str) -> Link | None:
    """How files become links, each put once; None where the schedule names no bucket."""
    if not email.link_bucket:
        return None
    links, made = Links.at(email.link_bucket, email.link_hours), dict[str, str]()

    def link(name: str, data: bytes) -> str:
        if name not in made:
            made[name] = links.put(f"{run_id}/{name}", data)
        return made[name]

    return link


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:300]
