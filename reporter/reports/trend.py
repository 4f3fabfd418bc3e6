"""The last runs in one picture: how many results fail and how many are unknown, run by run."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

WIDTH, HEIGHT = 600, 120


@dataclass(frozen=True)
class Chart:
    """Points of two lines in a box of WIDTH x HEIGHT, the highest value, and the same in rows: (run, fail, unknown, protected, instances)."""

    failed: str
    unknown: str
    highest: int
    rows: list[tuple[str, int, int, int, int]]


def chart(trend: pd.DataFrame) -> Chart:
    """TREND, oldest first -> the picture. One run alone is a dot."""
    rows = [
        (str(run), int(failed), int(unknown), int(protected), int(instances))
        for run, failed, unknown, protected, instances in zip(
            trend["run"], trend["failed"], trend["unknown"], trend["protected"], trend["instances"], strict=True
        )
    ]
    highest = max([max(row[1], row[2]) for row in rows], default=0)
    return Chart(_line([row[1] for row in rows], highest), _line([row[2] for row in rows], highest), highest, rows)


def _line(values: list[int], highest: int) -> str:
    step = WIDTH / max(len(values) - 1, 1)
    return " ".join(f"{place * step:.1f},{HEIGHT - HEIGHT * value / max(highest, 1):.1f}" for place, value in enumerate(values))
