"""Where the raw answers of a pack mention an instance: the text around each place, as it was received."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import pyarrow as pa

from reporter.evidence.contents import Contents, Unreadable

BEFORE, AFTER = 1500, 3000
"""characters shown before and after a place"""
MOST = 8
"""places shown of one file"""
_LARGEST_FILE, _LARGEST_ANSWER = 256 << 20, 512 << 20


@dataclass(frozen=True)
class Mention:
    """One raw file. `places`: how often it names the instance; `texts`: what stands there, the first of them."""

    file: str
    sha256: str
    places: int
    texts: tuple[str, ...]


@dataclass
class Mentions:
    """All files that mention one instance, and the files that could not be searched, with the reason."""

    files: list[Mention] = field(default_factory=list)
    unsearched: Mapping[str, str] = field(default_factory=dict)


def mentions(found: Contents, sums: Mapping[str, str], names: Iterable[str]) -> dict[str, Mentions]:
    """Name -> where raw/ mentions it, in any case of letters."""
    unsearched: dict[str, str] = {}
    seen = {name: Mentions(unsearched=unsearched) for name in names}
    by_lower = {name.lower(): name for name in seen}
    if not seen:
        return seen
    pattern = re.compile(rf"(?<![\w-])(?:{'|'.join(sorted(map(re.escape, by_lower)))})(?![\w-])", re.IGNORECASE)
    for file in sorted(name for name in found.sizes if name.startswith("raw/")):
        text, why = _text(found, file)
        if why:
            unsearched[file] = why
            continue
        spans: dict[str, list[tuple[int, int]]] = {}
        for match in pattern.finditer(text):
            if name := by_lower.get(match[0].lower()):
                spans.setdefault(name, []).append(match.span())
        for name, places in spans.items():
            seen[name].files.append(Mention(file, sums.get(file, ""), len(places), tuple(_around(text, places))))
    return seen


def _around(text: str, places: list[tuple[int, int]]) -> list[str]:
    """The text around the places; what overlaps is shown once."""
    windows: list[tuple[int, int]] = []
    for start, end in places:
        first, last = max(0, start - BEFORE), min(len(text), end + AFTER)
        if windows and first <= windows[-1][1]:
            windows[-1] = (windows[-1][0], last)
        elif len(windows) == MOST:
            break
        else:
            windows.append((first, last))
    return [text[first : min(last, first + MOST * (BEFORE + AFTER))] for first, last in windows]


def _text(found: Contents, file: str) -> tuple[str, str]:
    """An answer as text, or why it cannot be searched."""
    if found.sizes[file] > _LARGEST_FILE:
        return "", f"it is larger than {_LARGEST_FILE >> 20} MB"
    try:
        data = found.small(file)
        if file.endswith(".zst"):
            with pa.CompressedInputStream(pa.BufferReader(data), "zstd") as stream:
                data = stream.read(_LARGEST_ANSWER + 1)
    except Unreadable as error:
        return "", error.finding.what
    except OSError as error:
        return "", f"it cannot be unpacked: {error}"
    return ("", f"it unpacks to more than {_LARGEST_ANSWER >> 20} MB") if len(data) > _LARGEST_ANSWER else (data.decode("utf-8", "replace"), "")
