"""README.txt and LIESMICH.txt: what the folder is, how to check it with openssl and sha256sum alone, how old its news can be, what it does not show.

For an auditor who has the pack and nothing else: both are written whatever the languages of the run's reports are.
"""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

import jinja2

from reporter.core.clock import iso
from reporter.core.text import legible
from reporter.reports.view import Report, View

NAMES = {"README.txt": "ascii", "LIESMICH.txt": "utf-8"}


def write(folder: Path, view: View) -> None:
    """README.txt (English, ASCII) and LIESMICH.txt (German, UTF-8)."""
    environment = jinja2.Environment(autoescape=False, undefined=jinja2.StrictUndefined)  # noqa: S701  # plain text
    environment.trim_blocks = environment.lstrip_blocks = environment.keep_trailing_newline = True
    environment.filters.update({"moment": iso, "plain": _plain})
    for name, encoding in NAMES.items():
        template = files("reporter.templates").joinpath("evidence", f"{name}.j2").read_text(encoding="utf-8")
        (folder / name).write_text(environment.from_string(template).render(view=view), encoding=encoding, newline="\n")


def _plain(text: str) -> str:
    """Text from outside in ASCII, on one line."""
    return legible(" ".join(text.split())).encode("ascii", "backslashreplace").decode("ascii")


REPORT = Report("readme", "README.txt and LIESMICH.txt: how to check the pack, and what it does not show", write)
