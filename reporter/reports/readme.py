"""README.txt and LIESMICH.txt: what the folder is, how to check it with openssl and sha256sum alone, how old its news can be, where to find what.

For an auditor who has the pack and nothing else: both are written whatever the languages of the run's reports are.
"""

from __future__ import annotations

from pathlib import Path

from reporter.reports.plain_text import write_texts
from reporter.reports.view import Report, View

NAMES = {"README.txt": "ascii", "LIESMICH.txt": "utf-8"}


def write(folder: Path, view: View) -> None:
    """README.txt (English, ASCII) and LIESMICH.txt (German, UTF-8)."""
    write_texts(folder, NAMES, view=view)


REPORT = Report("readme", "README.txt and LIESMICH.txt: how to check the pack, and where to find what", write)
