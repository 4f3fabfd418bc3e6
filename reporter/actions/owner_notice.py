"""The notice that tells an owner about unprotected instances: made of a change alone, so that what was approved is what is sent."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from email import policy
from email.message import EmailMessage
from email.utils import format_datetime
from functools import cache
from importlib.resources import files
from typing import Any

import jinja2

from reporter.clients.mail import plain_address
from reporter.core.change import WORST_FIRST, Change, Json
from reporter.core.clock import iso

_LONGEST = 300


def rank(severity: str) -> int:
    """Worst first; a word that is not known comes last."""
    return WORST_FIRST.index(severity) if severity in WORST_FIRST else len(WORST_FIRST)


def message(change: Change, sender: str, run: str, at: datetime) -> EmailMessage:
    """The notice that a change stands for, made of its `after` alone; same arguments -> same bytes.

    `run`: id of the run or deed that sends it; `sender`: empty where whoever sends it fills it in. Raises Refused for an address that is none.
    """
    address = plain_address(change.after["to"])
    mark = hashlib.sha256(f"{run}\n{address}".encode()).hexdigest()[:32]
    subject, text, html = _rendered(change.after["items"], run, at)
    said = EmailMessage(policy=policy.SMTP)
    said["Subject"] = subject
    if sender:
        said["From"] = sender
    said["To"] = address
    said["Date"] = format_datetime(at)
    said["Message-ID"] = f"<notice.{mark}@reporter.invalid>"
    said["Auto-Submitted"] = "auto-generated"
    said["X-Auto-Response-Suppress"] = "All"
    said.set_content(text, cte="quoted-printable")
    said.add_alternative(html, subtype="html", cte="quoted-printable")
    said.set_boundary(f"=_notice_{mark}")
    return said


def _rendered(items: Sequence[Json], run: str, at: datetime) -> tuple[str, str, str]:
    """(subject, text, html)."""
    by_instance: dict[tuple[str, str], list[Json]] = defaultdict(list)
    for item in items:
        by_instance[item["account"], item["instance"]].append(item)
    shown = [{**found[0], "items": found} for found in by_instance.values()]
    said = {"instances": shown, "worst": min((item["severity"] for item in items), key=rank), "run": run, "at": iso(at)}
    subject, _, text = _environment().get_template("mail/notice.txt.j2").render(said).lstrip().partition("\n\n")
    html = _environment().get_template("mail/notice.html.j2").render(said, subject=subject)
    return subject, text, html.lstrip()


@cache
def _environment() -> jinja2.Environment:
    return jinja2.Environment(
        loader=jinja2.FunctionLoader(lambda name: files("reporter.templates").joinpath(*name.split("/")).read_text(encoding="utf-8")),
        autoescape=jinja2.select_autoescape(enabled_extensions=("html.j2",), default_for_string=False),
        finalize=_written,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


def _written(value: Any) -> Any:
    return legible(value) if isinstance(value, str) else value


def legible(text: str) -> str:
    """Text from the world as one short line: what cannot be seen, or turns the direction of reading, is shown as such; no address becomes a link."""
    line = "".join(sign if sign.isprintable() else "\N{REPLACEMENT CHARACTER}" for sign in text.strip())
    line = line.replace("://", ":// ")
    return line if len(line) <= _LONGEST else f"{line[:_LONGEST]} …"
