"""What a schedule asks for and this version does not do: said aloud, or refused where silence would be dangerous."""

from __future__ import annotations

from reporter.core.errors import ScheduleError
from reporter.schedule import Schedule

_MEANWHILE = "nothing was read, written or sent"


def held_back(schedule: Schedule) -> tuple[str, ...]:
    """One sentence for each thing that is asked for and not done. Raises ScheduleError where silence would be dangerous."""
    if schedule.evidence.key and not schedule.evidence.key.startswith("file:"):
        raise ScheduleError(
            "this version signs with a local key only",
            where="evidence.key",
            fix="leave it out, or name a PEM file: file:/path/key.pem",
            meanwhile=_MEANWHILE,
        )
    asked = [f"deliver.{name}" for name in ("s3", "security_hub") if getattr(schedule.deliver, name)]
    asked += ["deliver.config_rules"] if schedule.deliver.config_rules else []
    asked += ["evidence.store"] if schedule.evidence.store else []
    return tuple(f"{name}: the files are written here, this version sends them nowhere" for name in asked)
