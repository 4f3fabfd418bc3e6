"""The declared tables that cross from sources to joins, checks and reports. One file per system that is read, and one of what is joined."""

from __future__ import annotations

import importlib
import pkgutil

from reporter.core.table import Table


def declared() -> dict[str, Table]:
    """Every declared table by name. Raises ValueError for a name that is declared twice."""
    found: dict[str, Table] = {}
    for module in pkgutil.iter_modules(__path__):
        for value in vars(importlib.import_module(f"{__name__}.{module.name}")).values():
            if isinstance(value, Table) and found.setdefault(value.name, value) is not value:
                raise ValueError(f"table declared twice: {value.name}")
    return found
