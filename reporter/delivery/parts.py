"""A message of a sealed run made ready to be sent: the hash of the seal and the files that go with it are added, what is too large is linked."""

from __future__ import annotations

import mimetypes
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from html import escape
from pathlib import Path

from reporter.core.errors import ScopeProblem
from reporter.core.language import Language, language, mark

SEAL, FILES = "X-Report-Seal", "X-Report-Files"
"""headers: what every sent report carries; which files of the run go with a message"""
_XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

Link = Callable[[str, bytes], str]
"""(name, content) -> a link to it. Raises Denied, Unavailable."""


@dataclass(frozen=True)
class File:
    """A file that goes with a message. `place`: what it is called among the files of all messages; `in_run`: it is in the run's folder too."""

    name: str
    data: bytes = field(repr=False)
    place: str
    in_run: bool

    @property
    def size(self) -> int:
        """Bytes that it takes in a message: base64 in lines of 76, and its headers."""
        return len(self.data) * 4 // 3 + len(self.data) // 57 * 2 + 600


def ready(file: Path, seal: str, *, sender: str, reply_to: str | None, max_bytes: int, hours: int, link: Link | None) -> EmailMessage:
    """What is sent for mail/NNN-GROUP.eml of a sealed run. Raises OSError."""
    sealed = message_from_bytes(file.read_bytes(), policy=policy.SMTP)
    spoken = language(str(sealed["Content-Language"]))
    run = file.parent.parent
    named = [name.strip() for name in str(sealed[FILES] or "").split(",") if name.strip()]
    files = [File(name, (run / name).read_bytes(), name, in_run=True) for name in named]
    for part in sealed.iter_attachments():
        name = str(part.get_filename())
        files.append(File(name, bytes(part.get_content()), f"{file.stem}/{name}", in_run=False))
    texts = {kind: _text(sealed, kind) for kind in ("plain", "html")}
    room = max_bytes - sum(len(text.encode()) for text in texts.values()) * 3 - 8192
    attached, large = _fitting(files, room)
    lines = [*_about(large, spoken, run.name, hours, link), spoken.gettext("Seal of this run (SHA-256 of its SEAL.txt): %(seal)s", seal=seal)]
    said = EmailMessage(policy=policy.SMTP)
    for name, value in sealed.items():
        if not name.lower().startswith(("content-", "mime-version")) and name != FILES:
            said[name] = str(value).strip()  # a long one is folded after its name
    said["From"] = sender
    if reply_to:
        said["Reply-To"] = reply_to
    said[SEAL] = seal
    with_lines(said, texts, lines)
    for one in attached:
        kind = _XLSX if one.name.endswith(".xlsx") else mimetypes.guess_type(one.name)[0] or "application/octet-stream"
        main, _, sub = kind.partition("/")
        said.add_attachment(one.data, maintype=main, subtype=sub, filename=one.name)
    said["Content-Language"] = spoken.code
    return said


def with_lines(said: EmailMessage, texts: dict[str, str], lines: Iterable[str]) -> None:
    """The text and the HTML of a message, each with these lines at its end."""
    lines = list(lines)
    said.set_content(texts["plain"].rstrip() + "\n\n" + "\n".join(lines) + "\n", cte="quoted-printable")
    style = "font-family:Arial,Helvetica,sans-serif;font-size:12px;line-height:18px;margin:8px 16px;word-break:break-all;"
    added = "".join(f'<p style="{style}">{_linked(line)}</p>\n' for line in lines)
    head, body, tail = texts["html"].rpartition("</body>")
    said.add_alternative(head + added + body + tail, subtype="html", cte="quoted-printable")


def _text(message: EmailMessage, kind: str) -> str:
    body = message.get_body((kind,))
    return str(body.get_content()).replace("\r\n", "\n") if body is not None else ""


def _fitting(files: Sequence[File], room: int) -> tuple[list[File], list[File]]:
    """(those that fit, smallest first counted; those that do not), each in the order given."""
    kept: set[str] = set()
    for one in sorted(files, key=lambda one: one.size):
        if one.size <= room:
            kept.add(one.name)
            room -= one.size
    return [one for one in files if one.name in kept], [one for one in files if one.name not in kept]


def _about(large: Iterable[File], spoken: Language, run: str, hours: int, link: Link | None) -> Iterable[str]:
    """A line for each file that is not attached: where it is, and why."""
    for one in large:
        size = spoken.number(-(-len(one.data) // 1024))
        if link is None:
            why = spoken.gettext("deliver.email.link_bucket is not set")
        else:
            try:
                url = link(one.place, one.data)
            except ScopeProblem as problem:
                why = f"{problem.message}; grant {problem.permission}" if problem.permission else problem.message
            else:
                text = mark("%(file)s (%(size)s KiB) is too large for a mail. This link holds for %(hours)s hours at most: %(url)s")
                yield spoken.gettext(text, file=one.name, size=size, hours=hours, url=url)
                continue
        text = mark("%(file)s (%(size)s KiB) is too large for a mail and not linked (%(why)s).")
        said = spoken.gettext(text, file=one.name, size=size, why=why)
        if one.in_run:
            yield said + " " + spoken.gettext("It is in the folder of the run: %(run)s.", run=run)
        else:
            yield said + " " + spoken.gettext("Ask the security team for it.")


def _linked(line: str) -> str:
    """A line in HTML; the address it may end with can be followed."""
    before, scheme, rest = line.rpartition("https://") if "https://" in line else line.rpartition("http://")
    if not scheme or " " in rest:
        return escape(line)
    return f'{escape(before)}<a href="{escape(scheme + rest)}">{escape(scheme + rest)}</a>'
