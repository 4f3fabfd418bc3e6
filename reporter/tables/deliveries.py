"""The table of what became of what the run before published."""

from __future__ import annotations

from reporter.core.table import Column, Kind, Table

DELIVERIES = Table(
    "deliveries",
    "What became of the mails of the scheduled run before this one, and of packs: a run's own receipts come after it is sealed",
    ("run", "kind", "name"),
    (
        Column("run", Kind.CATEGORY, "run whose report it was"),
        Column("kind", Kind.CATEGORY, "email; pack (its zip in evidence.store); timestamp (only where the seal lacks one)"),
        Column("name", Kind.TEXT, "the message: its file in mail/ of that run, without ending; the zip"),
        Column("recipient", Kind.TEXT, "address, or where the pack is kept"),
        Column(
            "state",
            Kind.CATEGORY,
            "sent (a mail server took it, the store keeps it), refused, unknown (it may have been sent: never sent again), not_sent",
        ),
        Column("at", Kind.TIME, "when it got this state; empty: not known", nullable=True),
        Column("message", Kind.TEXT, "the mail server's or the store's receipt (version, checksum, retention), or what happened", nullable=True),
    ),
)
