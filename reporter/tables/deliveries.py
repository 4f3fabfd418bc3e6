"""The table of what became of what the run before published."""

from __future__ import annotations

from reporter.core.table import Column, Kind, Table

DELIVERIES = Table(
    "deliveries",
    "What became of the mails, findings and rules of the scheduled run before this one, and of packs: a run's own receipts come after it is sealed",
    ("run", "kind", "name"),
    (
        Column("run", Kind.CATEGORY, "run whose report it was"),
        Column(
            "kind",
            Kind.CATEGORY,
            "config_rules, security_hub (an account and region); email; pack (its zip in evidence.store); timestamp (only where the seal lacks one)",
        ),
        Column("name", Kind.TEXT, "the message: its file in mail/ of that run, without ending; the zip; account_region"),
        Column("recipient", Kind.TEXT, "address, or where the pack is kept"),
        Column(
            "state",
            Kind.CATEGORY,
            "sent (a mail server, the store or Security Hub has it), bounced or complained (SES sends nothing to that address any more), "
            "refused, unknown (it may have been sent: a mail never is again), not_sent. A mail server tells of a bounce by a mail to the "
            "sender, which is not read",
        ),
        Column("at", Kind.TIME, "when it got this state; empty: not known", nullable=True),
        Column("message", Kind.TEXT, "the mail server's or the store's receipt (version, checksum, retention), or what happened", nullable=True),
    ),
)

SENT_FINDINGS = Table(
    "sent_findings",
    "Findings of this chain that Security Hub may hold as open, as the runs before left them: where one is fixed, it is closed there",
    ("finding_id",),
    (
        Column("finding_id", Kind.TEXT, "the finding's Id in Security Hub"),
        Column("check_id", Kind.CATEGORY, "check"),
        Column("account", Kind.CATEGORY, "account id"),
        Column("region", Kind.CATEGORY, "region of the result, or global"),
        Column("resource", Kind.TEXT, "as in results"),
        Column("severity", Kind.CATEGORY, "severity it was last sent with"),
        Column("created_at", Kind.TIME, "when the finding was created"),
        Column("suppressed", Kind.FLAG, "we set its workflow to SUPPRESSED, because its failure was accepted"),
    ),
)
