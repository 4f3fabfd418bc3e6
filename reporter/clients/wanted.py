"""What of a large answer is wanted, said as dotted paths: the rest is skipped, never made a value of."""

from __future__ import annotations

from collections.abc import Iterable

Wanted = dict[str, "Wanted"]
"""member -> what is wanted of it; {}: all of it"""


def tree(paths: Iterable[str]) -> Wanted:
    """Dotted paths as a tree."""
    root: Wanted = {}
    for path in paths:
        within = root
        for name in path.split("."):
            within = within.setdefault(name, {})
    return root


def below(prefix: str, *names: str) -> tuple[str, ...]:
    """Paths of what lies below one."""
    return tuple(f"{prefix}.{name}" for name in names)
