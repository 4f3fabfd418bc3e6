"""Which CVEs a package finding is about."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
import pandas as pd

from reporter.core.order import coded, places

_CVE = re.compile(r"CVE-[0-9]{4}-[0-9]{4,}")


@dataclass(frozen=True)
class Vulnerabilities:
    """What findings are about. `kind`: a number for each finding, as they were asked for; a kind is a run of vulnerabilities,
    `code[start[kind] : start[kind] + count[kind]]`, codes into `names`, which stand in order.

    `is_cve` says of each name whether it is a CVE; every kind has at least one entry.
    """

    kind: np.ndarray
    start: np.ndarray
    count: np.ndarray
    code: np.ndarray
    names: pd.Index
    is_cve: np.ndarray


def cve(text: str) -> str | None:
    """A well-formed CVE id, normalised; None for anything else."""
    plain = "".join(text.split()).upper()
    return plain if _CVE.fullmatch(plain) else None


def vulnerabilities(findings: pd.DataFrame, rows: np.ndarray) -> Vulnerabilities:
    """These rows of inspector_findings -> their CVEs: the own id, else the CVEs among the related ids, else the vendor's id (or title) as it is."""
    kind, ids = _own_ids(findings, rows)
    named = [cve(text) for text in ids]
    well_formed = {text for text in named if text}
    runs = [[text or ids[number]] for number, text in enumerate(named)]
    # findings whose id is no CVE are of one kind where they have the same related ids too
    foreign = np.flatnonzero(np.array([text is None for text in named], dtype=bool)[kind])
    related, lists = _lists(findings["related_ids"].to_numpy(dtype=object)[rows[foreign]])
    pairs, distinct = pd.factorize(kind[foreign] * max(len(lists), 1) + related)
    kind[foreign] = pairs + len(runs)
    for pair in distinct:
        number, at = divmod(int(pair), len(lists))
        related_cves = {text for text in map(cve, lists[at]) if text}
        well_formed |= related_cves
        runs.append(sorted(related_cves) or [ids[number]])
    lengths = np.array([len(run) for run in runs], dtype=np.int64)
    used = np.zeros(len(runs), dtype=bool)
    used[kind] = True
    names = pd.Index(sorted({text for number in np.flatnonzero(used) for text in runs[number]}), dtype="str")
    return Vulnerabilities(
        kind=kind,
        start=np.cumsum(lengths) - lengths,
        count=lengths,
        code=places(names, pd.Series([text for run in runs for text in run], dtype="object")),
        names=names,
        is_cve=np.array([name in well_formed for name in names], dtype=bool),
    )


def _lists(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Codes into the distinct ones. Those that are one object are looked at once."""
    codes, _ = pd.factorize(np.fromiter(map(id, values), dtype=np.int64, count=len(values)))
    first = np.unique(codes, return_index=True)[1]
    among, lists = pd.factorize(values[first])
    return among[codes], lists


def _own_ids(findings: pd.DataFrame, rows: np.ndarray) -> tuple[np.ndarray, list[str]]:
    """For each finding a code into its ids; where it has none its title counts."""
    own = coded(findings["vulnerability_id"])
    codes, ids = own.cat.codes.to_numpy()[rows].astype(np.int64), list(own.cat.categories)
    nameless = np.flatnonzero(codes < 0)
    titles, texts = pd.factorize(findings["title"].take(rows[nameless]).astype("object").fillna("no id"))
    codes[nameless] = titles + len(ids)
    return codes, [*ids, *texts]
