"""A sample of the sealed population that anyone can draw again: ordered by sha256("SEED:ID"), the first n.

The population is instances.csv of a pack that holds; an id is account|region|instance_id. The auditor gives the seed.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reporter.core.errors import ReporterError, ScheduleError
from reporter.evidence.contents import Contents, contents
from reporter.evidence.inspected import inspect
from reporter.evidence.mentions import Mentions, mentions
from reporter.evidence.trace import page
from reporter.evidence.trust import Trust
from reporter.evidence.verify import require_whole

POPULATION = "instances.csv"
KEY = ("account", "region", "instance_id")
_SEED = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._:/-]{0,99}")
_LARGEST = 1 << 30


@dataclass(frozen=True)
class Item:
    """One drawn instance. `row`: its row of instances.csv; `results`: its rows of results.csv."""

    rank: int
    digest: str
    row: Mapping[str, str]
    results: Sequence[Mapping[str, str]]
    mentions: Mentions

    @property
    def id(self) -> str:
        return item_id(self.row)

    @property
    def page(self) -> str:
        """Name of its trace page."""
        return f"{self.rank:04d}-{re.sub(r'[^A-Za-z0-9-]', '_', self.row['instance_id'])[:64]}.txt"


@dataclass(frozen=True)
class Sample:
    """What was drawn, and from what. `said`: run.json; `trusted`: the pack is signed by a key that the reader holds."""

    seal: Mapping[str, str]
    seal_sha256: str
    seed: str
    population: int
    population_sha256: str
    items: Sequence[Item]
    said: Mapping[str, Any]
    trusted: bool

    def shell(self, size: int) -> str:
        """The line that draws the same sample in the pack's folder, with nothing of ours."""
        each = f'printf "%s  %s\\n" "$(printf %s "{self.seed}:$id" | sha256sum | cut -c1-64)" "$id"'
        return f"tail -n +2 {POPULATION} | cut -d, -f1-3 | tr , '|' | while IFS= read -r id; do {each}; done | LC_ALL=C sort | head -n {size}"

    def as_csv(self) -> str:
        """sample.csv. Its cells are those of the record, where no cell is a formula."""
        stream = io.StringIO()
        shown = ("protection", "computer_id", "owner")
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(
            ["rank", "sha256", "id", *KEY, *shown, "run_id", "seed", "population_file", "population_rows", "population_sha256", "seal_sha256", "page"]
        )
        drawn_from = (self.seal["run_id"], self.seed, POPULATION, self.population, self.population_sha256, self.seal_sha256)
        for item in self.items:
            cells = (item.row.get(name, "") for name in (*KEY, *shown))
            writer.writerow([item.rank, item.digest, item.id, *cells, *drawn_from, item.page])
        return stream.getvalue()


def item_id(row: Mapping[str, str]) -> str:
    return "|".join(row[name] for name in KEY)


def order(seed: str, ids: Sequence[str]) -> list[tuple[str, str]]:
    """(sha256("SEED:ID"), ID), in the order in which they are drawn."""
    return sorted((hashlib.sha256(f"{seed}:{one}".encode()).hexdigest(), one) for one in ids)


def draw(path: Path, seed: str, size: int, held: Trust) -> Sample:
    """The first `size` of a pack's population. Raises ReporterError for a pack that does not hold, ScheduleError for a seed that is not plain."""
    if not _SEED.fullmatch(seed):
        raise ScheduleError(
            "the seed must be plain", where="--seed", fix="letters, digits, spaces and ._:/- (100 at most), beginning with a letter or digit"
        )
    with contents(path) as found:
        pack = inspect(found, str(path), held)
        require_whole(pack)
        rows = {item_id(row): row for row in _rows(found, path, POPULATION, KEY)}
        drawn = order(seed, list(rows))[:size]
        results: dict[str, list[Mapping[str, str]]] = {one: [] for _, one in drawn}
        for row in _rows(found, path, "results.csv", ("account", "region", "resource", "check_id", "status")):
            if (of := f"{row['account']}|{row['region']}|{row['resource']}") in results:
                results[of].append(row)
        seen = mentions(found, pack.sums, {rows[one]["instance_id"] for _, one in drawn})
        items = [Item(rank, digest, rows[one], results[one], seen[rows[one]["instance_id"]]) for rank, (digest, one) in enumerate(drawn, 1)]
        return Sample(pack.seal, pack.seal_sha256, seed, len(rows), pack.sums[POPULATION], items, _said(found, path), held.given)


def write(sample: Sample, size: int, pack: Path, out: Path) -> None:
    """sample.csv, repeat.txt and a page for each item, in a new or empty folder outside the pack. Raises ScheduleError."""
    place, within = out.resolve(), pack.resolve()
    if place == within or within in place.parents:
        raise ScheduleError("the sample would lie in the pack itself", where=str(out), fix="an --out outside it: a sealed pack is never changed")
    if place.exists() and any(place.iterdir()):
        raise ScheduleError("the folder is not empty", where=str(out), fix="a new --out: no earlier sample is written over")
    (place / "trace").mkdir(parents=True, exist_ok=True)
    (place / "sample.csv").write_text(sample.as_csv(), encoding="utf-8", newline="")
    (place / "repeat.txt").write_text("\n".join(told(sample, size)) + "\n", encoding="utf-8", newline="\n")
    for item in sample.items:
        text = page(sample, item)
        (place / "trace" / item.page).write_text(text, encoding="utf-8", newline="\n")


def told(sample: Sample, size: int) -> list[str]:
    """Lines for people: what was drawn from what, and how to draw it again."""
    return [
        f"{len(sample.items)} of {sample.population} instances of {sample.seal['run_id']}, seed {sample.seed}",
        f"population {POPULATION}, SHA-256 {sample.population_sha256}; seal {sample.seal_sha256}",
        "The same sample, drawn in the pack's folder with a shell alone:",
        f"    {sample.shell(size)}",
        *(
            []
            if sample.trusted
            else ["The pack was checked against its own key only, which proves nothing about who signed it: give --key or --fingerprint."]
        ),
    ]


def _rows(found: Contents, path: Path, name: str, needed: Sequence[str]) -> list[dict[str, str]]:
    try:
        if found.sizes.get(name, _LARGEST) >= _LARGEST:
            raise ValueError("it is missing or too large")
        rows = list(csv.DictReader(io.StringIO(found.small(name).decode("utf-8"), newline=""), strict=True))
        if any(None in row or None in row.values() or not set(needed) <= row.keys() for row in rows):
            raise ValueError("its rows do not have the columns of a run")
    except (ValueError, csv.Error) as error:
        raise _no_run(path, name, error) from error
    return rows


def _said(found: Contents, path: Path) -> Mapping[str, Any]:
    try:
        if found.sizes.get("run.json", _LARGEST) >= _LARGEST:
            raise ValueError("it is missing or too large")
        said = json.loads(found.small("run.json"))
    except (ValueError, RecursionError) as error:
        raise _no_run(path, "run.json", error) from error
    return said if isinstance(said, Mapping) else {}


def _no_run(path: Path, name: str, error: Exception) -> ReporterError:
    return ReporterError(f"{name} of the pack cannot be read: {error}", where=str(path), fix="the pack of a run, made by `reporter run`")
