"""One line of a benchmark: what was measured, ours, a peer's, their ratio, and the bar that it is held to; and how lines are printed."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal


@dataclass(frozen=True)
class Line:
    """`bar`: what the ratio (or ours, where there is no peer) must reach; `better`: whether it must be at least or at most that."""

    what: str
    ours: float
    unit: str
    bar: float
    better: Literal["at least", "at most"]
    peer: float | None = None
    ratio: float | None = None

    @property
    def holds(self) -> bool:
        measured = self.ours if self.ratio is None else self.ratio
        return measured >= self.bar if self.better == "at least" else measured <= self.bar

    def text(self) -> str:
        peer = "" if self.peer is None else f"{self.peer:,.2f}"
        ratio = "" if self.ratio is None else f"{self.ratio:.2f}"
        sign = ">=" if self.better == "at least" else "<="
        said = "holds" if self.holds else "DOES NOT HOLD"
        return f"{self.what:<72} {self.ours:>12,.2f} {peer:>12} {self.unit:<14} {ratio:>8}  {sign} {self.bar:<6g} {said}"


def show(lines: Iterable[Line], *, as_json: bool) -> int:
    """Print lines, for people or for `python -m bench`. 1: a bar does not hold."""
    held = True
    for line in lines:
        held &= line.holds
        sys.stdout.write((json.dumps(asdict(line)) if as_json else line.text()) + "\n")
        sys.stdout.flush()
    return 0 if held else 1


def contender(module: str, *arguments: str) -> dict[str, Any]:
    """What one contender measured of itself, in a process of its own: the last line that it prints, as JSON."""
    command = [sys.executable, "-m", module, *arguments]
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()[-1]
    found: dict[str, Any] = json.loads(said)
    return found


def best(tries: Sequence[dict[str, Any]], name: str) -> float:
    """The least of several measurements: what else the machine does only adds."""
    return min(float(one[name]) for one in tries)
