"""What decides a result besides the world, as digests: two runs of equal digests judge equal tables equally."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reporter.schedule import Schedule

_PACKAGE = Path(__file__).parents[1]
_JUDGES = ("checks", "joins", "tables", "core", "judge.py", "waivers.py")
_READS = ("sources", "clients")
NAMES = ("code", "settings", "exceptions", "reading")


@dataclass(frozen=True)
class Rules:
    """SHA-256 each. `code`: of the checks, the joins and what they are made of; `settings`: thresholds and names of the schedule; `exceptions`: its
    accepted failures; `reading`: of the program that reads the world. "" stands for not known and equals nothing."""

    code: str = ""
    settings: str = ""
    exceptions: str = ""
    reading: str = ""

    def differing(self, other: Rules) -> tuple[str, ...]:
        """Names of the digests that differ, or are not known."""
        return tuple(name for name in NAMES if not getattr(self, name) or getattr(self, name) != getattr(other, name))


def rules(schedule: Schedule) -> Rules:
    """The rules of the program that runs now, with this schedule."""
    accepted = [item.model_dump(mode="json") for item in schedule.exceptions]
    accepted.sort(key=lambda item: json.dumps(item, sort_keys=True))
    return Rules(_code(_JUDGES), _digest(schedule.settings().model_dump(mode="json")), _digest(accepted), _code(_READS))


def read_rules(said: Mapping[str, Any]) -> Rules:
    """What run.json says of them; a run of an earlier version says nothing."""
    given = said.get("rules")
    given = given if isinstance(given, dict) else {}
    return Rules(**{name: str(given.get(name) or "") for name in NAMES})


def _code(parts: Iterable[str]) -> str:
    files = [path for part in parts for path in ([_PACKAGE / part] if part.endswith(".py") else (_PACKAGE / part).rglob("*.py"))]
    lines = (f"{path.relative_to(_PACKAGE).as_posix()} {hashlib.sha256(path.read_bytes()).hexdigest()}" for path in sorted(files))
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def _digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True, separators=(",", ":")).encode()).hexdigest()
