"""Text from the world in a cell: legible, never a formula, and cut visibly where a spreadsheet cannot hold it."""

from __future__ import annotations

from reporter.core.text import legible

LONGEST_TEXT = 32_767
"""UTF-16 code units that a cell can hold"""
RISKY = ("=", "+", "-", "@", "#")
"""what a text begins with that a spreadsheet may take for a formula or an error"""
_CUT = " … (cut; whole in the CSV file)"


def clean(text: str) -> str:
    """Text without what XML cannot hold or what misleads, cut visibly at Excel's 32,767 characters (it counts UTF-16 code units)."""
    text = legible(text)
    if 2 * len(text) <= LONGEST_TEXT:
        return text
    units = text.encode("utf-16-le")
    if len(units) <= 2 * LONGEST_TEXT:
        return text
    return units[: 2 * (LONGEST_TEXT - len(_CUT))].decode("utf-16-le", "ignore") + _CUT
