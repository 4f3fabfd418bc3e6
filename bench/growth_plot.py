"""Draws what bench/growth.py measured; runs in an environment with matplotlib and nothing of ours. Reads JSON from its input."""

from __future__ import annotations

import json
import sys
from typing import Any

import matplotlib as mpl

mpl.use("svg")
from matplotlib import pyplot as plt  # after the backend is chosen


def main() -> None:
    told: dict[str, Any] = json.load(sys.stdin)
    mpl.rcParams.update({"svg.hashsalt": "growth", "svg.fonttype": "none", "font.family": "sans-serif", "font.size": 10})
    figure, places = plt.subplots(2, 2, figsize=(9, 6), layout="constrained")
    for row, (grown, fits) in enumerate(zip(told["grown"], told["fits"], strict=True)):
        for column, (name, unit) in enumerate((("cpu", "CPU seconds"), ("memory", "peak memory, MB"))):
            axes = places[row][column]
            axes.loglog(grown["sizes"], grown[name], "o-", color="#0b5cad")
            axes.set_xlabel(grown["what"])
            axes.set_ylabel(unit)
            axes.set_title(f"{unit} by {grown['what']}: exponent {fits[column]:.2f}", fontsize=10)
            axes.grid(visible=True, which="both", linewidth=0.3)
            for size, value in zip(grown["sizes"], grown[name], strict=True):
                axes.annotate(f"{value:,.0f}", (size, value), textcoords="offset points", xytext=(0, 6), ha="center", fontsize=8)
    figure.savefig(told["path"], metadata={"Date": None})


main()
