"""What a schedule must say before it can run on AWS without a machine of its own: nothing of it may live on a disk or in an environment."""

from __future__ import annotations

import re

from reporter.clients.secrets import references
from reporter.core.errors import ScheduleError
from reporter.schedule import Schedule

_MEANWHILE = "nothing was printed"


def check(schedule: Schedule) -> None:
    """Raises ScheduleError for the first thing that is missing."""
    if not schedule.state.startswith("s3://"):
        raise _wrong("the journal and the chain of a job that has no machine are kept in a bucket", "state", "s3://bucket/prefix")
    if not schedule.evidence.key.startswith("kms:"):
        raise _wrong("a job that has no machine signs with a key of AWS KMS", "evidence.key", "kms:alias/reporter-seal")
    if schedule.evidence.store and not schedule.evidence.store.startswith("s3://"):
        raise _wrong("a job that has no machine stores packs in a bucket", "evidence.store", "s3://bucket/prefix, or leave it out")
    for reference in references(schedule):
        if reference.startswith("env:"):
            raise _wrong(f"{reference} names a variable that the job's containers do not have", "secrets", "secretsmanager:ARN, or ssm:/path")
    for name in schedule.jobs:
        if not re.fullmatch(r"[A-Za-z][A-Za-z0-9-]{0,39}", name):
            raise _wrong(f"the job's name {name!r} cannot name things at AWS", "jobs", "letters, digits and hyphens, 40 at most")


def _wrong(what: str, where: str, fix: str) -> ScheduleError:
    return ScheduleError(what, where=where, fix=fix, meanwhile=_MEANWHILE)
