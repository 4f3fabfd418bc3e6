"""Which CVEs a package finding is about."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
import pandas as pd

_CVE = re.compile(r"CVE-[0-9]{4}-[0-9]{4,}")


@dataclass(frozen=True)
class Vulnerabilities:
    """For each finding (by position) a run of vulnerabilities: `code[start[i] : start[i] + count[i]]`, codes into `names`.

    `is_cve` says of each name whether it is a CVE; every finding has at least one entry.
    """

    start: np.ndarray
    count: np.ndarray
    code: np.ndarray
    names: np.ndarray
    is_cve: np.ndarray


def cve(text: str) -> str | None:
    """A well-formed CVE id, normalised; None for anything else."""
    plain = "".join(text.split()).upper()
    return plain if _CVE.fullmatch(plain) else None


def vulnerabilities(findings: pd.DataFrame) -> Vulnerabilities:
    """Rows of inspector_findings -> their CVEs: the own id, else the CVEs among the related ids, else the vendor's id (or title) as it is."""
    own, ids = pd.factorize(findings["vulnerability_id"].where(findings["vulnerability_id"].notna(), findings["title"]).fillna("no id"))
    related = np.zeros(len(findings), dtype=np.int64)
    foreign = np.array([cve(text) is None for text in ids], dtype=bool)[own]
    others, lists = pd.factorize(findings["related_ids"].to_numpy()[foreign])
    related[foreign] = others
    # findings with the same id and, where that is no CVE, the same related ids are one kind; a kind is looked at once
    width = max(len(lists), 1)
    kinds, distinct = pd.factorize(own * width + related)
    codes: dict[str, int] = {}
    runs: list[list[int]] = []
    for kind in distinct:
        number, at = divmod(int(kind), width)
        named = cve(ids[number])
        found = [named] if named else sorted({text for text in map(cve, lists[at]) if text}) or [str(ids[number])]
        runs.append([codes.setdefault(text, len(codes)) for text in found])
    lengths = np.array([len(run) for run in runs], dtype=np.int64)
    return Vulnerabilities(
        start=(np.cumsum(lengths) - lengths)[kinds],
        count=lengths[kinds],
        code=np.array([code for run in runs for code in run], dtype=np.int64),
        names=np.array(list(codes), dtype=object),
        is_cve=np.array([cve(name) is not None for name in codes], dtype=bool),
    )
