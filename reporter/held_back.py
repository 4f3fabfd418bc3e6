"""What a schedule asks for and this version does not do: said aloud, or refused where silence would be dangerous."""

from __future__ import annotations

from reporter.core.errors import ScheduleError
from reporter.schedule import Schedule

_MEANWHILE = "nothing was read, written or sent"


def modes(schedule: Schedule) -> dict[str, str]:
    """Action -> off, plan or apply."""
    return {name: str(getattr(schedule.actions, name).mode) for name in type(schedule.actions).model_fields}


def held_back(schedule: Schedule) -> tuple[str, ...]:
    """One sentence for each thing that is asked for and not done. Raises ScheduleError where the schedule wants something applied."""
    applying = [name for name, mode in modes(schedule).items() if mode == "apply"]
    if schedule.actions.recommendation_scan.results == "apply":
        applying.append("recommendation_scan.results")
    if applying:
        raise ScheduleError(
            f"this version changes nothing in the world, and the schedule wants it to apply: {', '.join(applying)}",
            where="actions",
            fix="set the mode to plan or off",
            meanwhile=_MEANWHILE,
        )
    if schedule.evidence.key and not schedule.evidence.key.startswith("file:"):
        raise ScheduleError(
            "this version signs with a local key only",
            where="evidence.key",
            fix="leave it out, or name a PEM file: file:/path/key.pem",
            meanwhile=_MEANWHILE,
        )
    if schedule.aws.delegated_admin:
        raise ScheduleError(
            "this version reads every account through its own role, not through a delegated administrator",
            where="aws.delegated_admin",
            fix="leave it out, and give each account a role",
            meanwhile=_MEANWHILE,
        )
    asked = [f"deliver.{name}" for name in ("email", "s3", "security_hub") if getattr(schedule.deliver, name)]
    asked += ["deliver.config_rules"] if schedule.deliver.config_rules else []
    asked += ["evidence.store"] if schedule.evidence.store else []
    asked += ["state"] if schedule.state else []
    return tuple(f"{name}: the files are written here, this version sends them nowhere" for name in asked)
