"""results.jsonl: each result with what results.csv has of it, when it was judged, and its reason in every language of the run."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from reporter.core.clock import iso
from reporter.core.language import SOURCE
from reporter.reports.record import CONTRACT, ENCODE
from reporter.reports.view import Report, View

FILE = "results.jsonl"
_TABLE, _COLUMNS = CONTRACT["results.csv"]
_TIMES = ("first_seen", "due")


def write(folder: Path, view: View) -> None:
    """One line a result, in the order of results.csv. Values are as they are: what reads JSON runs no formula."""
    with (folder / FILE).open("w", encoding="utf-8", newline="\n") as stream:
        stream.writelines(lines(view))


def lines(view: View) -> Iterator[str]:
    """The lines. What stands in many results is put into words once."""
    frame = _TABLE.sort(view.results)
    columns = [_members(name, frame[name], time=name in _TIMES) for name in _COLUMNS]
    reasons = {text: f',"reasons":{ENCODE(said)}' for text, said in _reasons(view, frame["reason"]).items()}
    columns.append([reasons[text] for text in frame["reason"]])
    end = f',"evaluated_at":{ENCODE(iso(view.now))}}}\n'
    for members in zip(*columns, strict=True):
        yield "".join(members) + end


def _members(name: str, values: pd.Series, *, time: bool) -> list[str]:
    """A column as members of the lines' objects, with the brace or comma before each."""
    before = ("{" if name == _COLUMNS[0] else ",") + ENCODE(name) + ":"
    codes, distinct = pd.factorize(values)
    said = np.empty(len(distinct) + 1, dtype=object)
    said[:-1] = [before + ENCODE(iso(value) if time else list(value) if isinstance(value, tuple) else value) for value in distinct.tolist()]
    said[-1] = before + ENCODE(None)  # what code -1, of missing values, finds
    return list(said[codes])


def _reasons(view: View, texts: pd.Series) -> dict[Any, dict[str, str]]:
    """Reason -> language -> how it is said there; English is how it was written."""
    others = [one.language for one in view.in_each_language() if one.language.code != SOURCE]
    return {text: {SOURCE: text, **{one.code: one.reason(str(text)) for one in others}} for text in texts.unique().tolist()}


REPORT = Report("results_lines", "results.jsonl: the results with their reasons in every language", write)
