"""Sealed runs that are to be mailed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from reporter.core.recipient import DEFAULT_CLEARANCE, Clearance, Group, Recipient
from reporter.core.settings import OwnersSettings
from reporter.evidence.seal import Seal
from reporter.reports import recipient_mail
from tests.evidence.pack import NOW
from tests.evidence.pack import sealed as seal_of
from tests.reports.views import view

RUN = "main-000001"
CISO, SECOPS, OWNER = "ciso@example.com", "secops@example.com", "payments@example.com"
PAGE, BOOK = b"<!doctype html><title>page</title>", b"PK-a-workbook"


def someone(to: str, group: Group, clearance: Clearance | None = None, language: str = "en") -> Recipient:
    return Recipient(to, group, language, clearance or DEFAULT_CLEARANCE[group], own_rows=group is Group.OWNER)


EVERYBODY = (someone(CISO, Group.MANAGEMENT, language="de"), someone(SECOPS, Group.SECURITY), someone(OWNER, Group.OWNER))


def sealed(out: Path, recipients: tuple[Recipient, ...] = EVERYBODY, number: int = 1, page: bytes = PAGE, book: bytes = BOOK) -> tuple[Path, str]:
    """A run of this number with messages to these: its folder, and its seal's hash."""
    run = out / f"run-{number:06d}"
    run.mkdir(parents=True)
    run_id = f"main-{number:06d}"
    seen = replace(view(owners=OwnersSettings(addresses={"plain": OWNER})), run_id=run_id, recipients=recipients, languages=("en", "de"))
    recipient_mail.REPORT.write(run, seen)
    for code in ("", ".de"):
        (run / f"report{code}.html").write_bytes(page)
        (run / f"report{code}.xlsx").write_bytes(book)
    return run, seal_of(run, Seal("main", number, run_id, NOW, "0.1.0"))
