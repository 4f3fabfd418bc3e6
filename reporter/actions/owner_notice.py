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

import jinja2

from reporter.clients.mail import plain_address
from reporter.core.change import WORST_FIRST, Change, Json
from reporter.core.clock import iso, parse
from reporter.core.language import SOURCE, Language, language

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
    said = language(change.after.get("language", SOURCE))
    subject, text, html = _rendered(said, change.after["items"], run, at)
    notice = EmailMessage(policy=policy.SMTP)
    notice["Subject"] = subject
    if sender:
        notice["From"] = sender
    notice["To"] = address
    notice["Date"] = format_datetime(at)
    notice["Message-ID"] = f"<notice.{mark}@reporter.invalid>"
    notice["Auto-Submitted"] = "auto-generated"
    notice["X-Auto-Response-Suppress"] = "All"
    notice.set_content(text, cte="quoted-printable")
    notice.add_alternative(html, subtype="html", cte="quoted-printable")
    notice["Content-Language"] = said.code
    notice.set_boundary(f"=_notice_{mark}")
    return notice


def _rendered(said: Language, items: Sequence[Json], run: str, at: datetime) -> tuple[str, str, str]:
    """(subject, text, html)."""
    by_instance: dict[tuple[str, str], list[Json]] = defaultdict(list)
    for item in items:
        shown = {name: legible(value) if isinstance(value, str) else value for name, value in item.items()}
        by_instance[item["account"], item["instance"]].append(shown)
    values = {
        "instances": [{**found[0], "items": found} for found in by_instance.values()],
        "worst": legible(min((item["severity"] for item in items), key=rank)),
        "run": run,
        "at": iso(at),
        "lang": said.code,
    }
    environment = _environment(said)
    subject, _, text = environment.get_template("mail/notice.txt.j2").render(values).lstrip().partition("\n\n")
    html = environment.get_template("mail/notice.html.j2").render(values, subject=subject)
    return subject, text, html.lstrip()


@cache
def _environment(said: Language) -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FunctionLoader(lambda name: files("reporter.templates").joinpath(*name.split("/")).read_text(encoding="utf-8")),
        autoescape=jinja2.select_autoescape(enabled_extensions=("html.j2",), default_for_string=False),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        extensions=["jinja2.ext.i18n"],
    )
    environment.install_gettext_callables(said.translations.gettext, said.translations.ngettext, newstyle=True)  # type: ignore[attr-defined]
    environment.filters.update({"words": said.words, "number": said.number, "instant": lambda text: f"{said.instant(parse(text))} UTC"})
    return environment


def legible(text: str) -> str:
    """Text from the world as one short line: what cannot be seen, or turns the direction of reading, is shown as such; no address becomes a link."""
    line = "".join(sign if sign.isprintable() else "\N{REPLACEMENT CHARACTER}" for sign in text.strip())
    line = line.replace("://", ":// ")
    return line if len(line) <= _LONGEST else f"{line[:_LONGEST]} …"
