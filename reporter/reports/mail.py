"""mail/: what would be mailed, as messages in a file. The summary goes to the default address of `owners`; it carries counts, never raw data."""

from __future__ import annotations

from email import policy
from email.message import EmailMessage
from email.utils import format_datetime
from importlib.resources import files
from pathlib import Path

import jinja2

from reporter.reports.view import Report, View


def write(folder: Path, view: View) -> None:
    """mail/summary.eml, addressed to the default owner if there is one. Where recipients are named, they have messages of their own instead."""
    place = folder / "mail"
    place.mkdir(exist_ok=True)
    if view.recipients:
        return
    (place / view.file("summary.eml")).write_bytes(message(view).as_bytes(policy=policy.SMTP))


def message(view: View) -> EmailMessage:
    """The summary. Its id is made of run and recipient, so that a repeated sending can be recognised."""
    said = EmailMessage(policy=policy.SMTP)
    status = view.by_status()
    said["Subject"] = view.language.gettext(
        "Workload compliance %(day)s: %(fail)s fail, %(unknown)s unknown",
        day=f"{view.now:%Y-%m-%d}",
        fail=view.language.number(status["FAIL"]),
        unknown=view.language.number(status["UNKNOWN"]),
    )
    if view.owners.default:
        said["To"] = view.owners.default
    said["Date"] = format_datetime(view.now)
    said["Message-ID"] = f"<{view.run_id}.{view.now:%Y%m%dT%H%M%SZ}.summary@reporter.invalid>"
    said.set_content(_text(view), cte="quoted-printable")
    said["Content-Language"] = view.language.code
    return said


def _text(view: View) -> str:
    said = view.language
    environment = jinja2.Environment(autoescape=False, undefined=jinja2.StrictUndefined, extensions=["jinja2.ext.i18n"])  # noqa: S701  # plain text
    environment.trim_blocks = environment.lstrip_blocks = environment.keep_trailing_newline = True
    environment.install_gettext_callables(said.translations.gettext, said.translations.ngettext, newstyle=True)  # type: ignore[attr-defined]
    environment.filters.update({"moment": said.moment, "words": lambda name: said.words(name.lower()), "number": said.number})
    template = files("reporter.templates").joinpath("mail", "summary.txt.j2").read_text(encoding="utf-8")
    unread = sum(view.by_scope_state()[state] for state in ("denied", "unavailable"))
    return environment.from_string(template).render(view=view, unread=unread)


REPORT = Report("mail", "mail/: the summary as a message", write, localised=True)
