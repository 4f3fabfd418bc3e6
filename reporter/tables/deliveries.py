"""The table of what became of what the run before published."""

from __future__ import annotations

from reporter.core.table import Column, Kind, Table

DELIVERIES = Table(
    "deliveries",
    "What became of the mails of the scheduled run before this one: a run's own receipts come after it is sealed",
    ("run", "kind", "name"),
    (
        Column("run", Kind.CATEGORY, "run whose report it was"),
        Column("kind", Kind.CATEGORY, "email"),
        Column("name", Kind.TEXT, "the message: its file in mail/ of that run, without ending"),
        Column("recipient", Kind.TEXT, "address"),
        Column("state", Kind.CATEGORY, "sent (a mail server took it), refused, unknown (it may have been sent: never sent again), not_sent"),
        Column("at", Kind.TIME, "when it got this state; empty: not known", nullable=True),
        Column("message", Kind.TEXT, "the mail server's receipt, or what happened", nullable=True),
    ),
)
