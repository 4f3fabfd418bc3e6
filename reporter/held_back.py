"""What a schedule asks for and this version does not do: said aloud."""

from __future__ import annotations

from reporter.schedule import Schedule


def held_back(schedule: Schedule) -> tuple[str, ...]:
    """One sentence for each thing that is asked for and not done."""
    asked = ["deliver.s3"] if schedule.deliver.s3 else []
    return tuple(f"{name}: the files are written here, this version sends them nowhere" for name in asked)
