"""What one owner may see: its own instances, and the results and findings about them. Never a row of anybody else."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage
from html import escape

import pandas as pd

from reporter.core.language import Language
from reporter.core.settings import OwnersSettings
from reporter.core.table import Tables
from reporter.reports.workbook import excerpt
from reporter.tables.joined import FINDINGS, INSTANCES, RESULTS

FILE = "your-rows.xlsx"
XLSX = "vnd.openxmlformats-officedocument.spreadsheetml.sheet"
"""a workbook's subtype of application"""


@dataclass(frozen=True)
class OwnRows:
    """Declared frames: INSTANCES, RESULTS, FINDINGS."""

    instances: pd.DataFrame
    results: pd.DataFrame
    findings: pd.DataFrame

    def workbook(self, title: str, at: datetime, said: Language) -> bytes:
        sheets = (
            ("Results", "results.csv", self.results),
            ("Instances", "instances.csv", self.instances),
            ("Findings", "findings.csv", self.findings),
        )
        return excerpt(title, at, sheets, said)

    @property
    def unprotected(self) -> pd.DataFrame:
        """Instances that are not protected, or of which that is unknown."""
        return self.instances[self.instances["protection"] != "protected"]


def own_rows(tables: Tables, owners: OwnersSettings, address: str) -> OwnRows:
    """The rows that belong to an address: its owner tags' ones; to the default address what no other address owns.

    A result or finding belongs to whom its instance belongs to; a result that names an owner itself belongs to that one.
    """
    instances = tables.get(INSTANCES.name, INSTANCES.frame())
    results, findings = tables.get(RESULTS.name, RESULTS.frame()), tables.get(FINDINGS.name, FINDINGS.frame())
    own = instances[_addresses(instances["owner"], owners) == address]
    named = results["owner"].notna() & (_addresses(results["owner"], owners) == address)
    about = results["resource"].isin(own["instance_id"]) & results["account"].isin(own["account"])
    stranger = results["resource"].isin(instances["instance_id"]) & ~results["resource"].isin(own["instance_id"])
    return OwnRows(own, results[(named | about) & ~stranger], findings[findings["instance_id"].isin(own["instance_id"])])


def _addresses(owner: pd.Series, owners: OwnersSettings) -> pd.Series:
    """Tag values -> addresses."""
    return owner.astype("object").map(lambda value: (owners.addresses.get(value) if isinstance(value, str) else "") or owners.default)


def enclosing(notice: EmailMessage, rows: OwnRows, run: str, at: datetime, spoken: Language) -> EmailMessage:
    """A notice with its owner's rows: the one mail that the owner gets in this run."""
    made = copy.deepcopy(notice)
    counts = {str(name): int(count) for name, count in rows.results["status"].value_counts().items()}
    numbers = {"fail": spoken.number(counts.get("FAIL", 0)), "unknown": spoken.number(counts.get("UNKNOWN", 0))}
    said = spoken.gettext("Of the results about your instances %(fail)s fail and %(unknown)s are unknown.", **numbers)
    said += " " + spoken.gettext("%(file)s holds your own rows: instances, results, findings.", file=FILE)
    for kind, line in (("plain", f"{said}\n\n"), ("html", f"<p>{escape(said)}</p>\n")):
        body = made.get_body((kind,))
        if body is None:
            continue
        text = body.get_content().replace("\r\n", "\n")
        before, tail = (text.rstrip("\n") + "\n\n", "") if kind == "plain" else _cut(text)
        body.set_content(before + line + tail, subtype=kind, cte="quoted-printable")
    made.add_attachment(rows.workbook(run, at, spoken), maintype="application", subtype=XLSX, filename=FILE)
    return made


def _cut(page: str) -> tuple[str, str]:
    """HTML before the end of its body, and from there."""
    before, end, rest = page.rpartition("</body>")
    return before, end + rest
