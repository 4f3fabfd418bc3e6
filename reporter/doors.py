"""Open the way for actions: the store that a chain keeps its journal in, and the clients that a hand reads and writes through."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from reporter.clients.aws import HOME_REGION, AwsClients
from reporter.clients.hand import Doors, Way
from reporter.clients.mail import opener
from reporter.clients.secrets import rereading, resolve
from reporter.clients.store import FolderStore, Store
from reporter.clients.store_s3 import BucketStore
from reporter.clients.workload_protection import WpClient
from reporter.core.errors import ScheduleError
from reporter.core.permission import By, Permission, below, bucket, objects
from reporter.opening import Clients
from reporter.schedule import Schedule, Tenant


def open_store(schedule: Schedule, out: Path, aws: AwsClients) -> Store:
    """`state` of the schedule; by default the .state folder beside the runs. Raises ScheduleError, BotoCoreError. Opens no connection."""
    if not schedule.state:
        return FolderStore(out / ".state")
    bucket, _, prefix = schedule.state.removeprefix("s3://").partition("/")
    if not schedule.state.startswith("s3://") or not bucket:
        raise ScheduleError(
            "the state is kept in a bucket, or beside the runs",
            where="state",
            fix="s3://bucket/prefix, or leave it out",
            meanwhile="nothing was read or written",
        )
    return BucketStore(bucket, prefix, aws.client("", "s3", HOME_REGION))


def open_doors(schedule: Schedule, clients: Clients, caller: str) -> Doors:
    """Ways into every account and tenant: read with the reading credentials, written with the acting ones where there are any.

    `caller`: account of the current credentials, which an organisation's own account is read with. Raises ScheduleError.
    """
    acting = {tenant.name: open_acting(tenant, clients) for tenant in schedule.workload_protection}
    send = opener(schedule.deliver.email) if schedule.deliver.email else None
    return Doors(clients.aws, clients.wp, acting, partial(_way, schedule, caller), send)


def open_acting(tenant: Tenant, clients: Clients) -> WpClient:
    """The client that acts in a tenant: with its act_key, else with the key that reads. Raises ScheduleError for a key that cannot be read."""
    if tenant.act_key is None:
        return clients.wp[tenant.name]
    where = f"workload_protection {tenant.name} act_key"
    return WpClient(
        tenant.name,
        tenant.url,
        tenant.auth,
        resolve(tenant.act_key, where),
        calls_per_minute=tenant.calls_per_minute,
        patience=tenant.patience,
        timeout=tenant.timeout,
        renew=rereading(tenant.act_key, where),
        told=clients.told,
    )


def _way(schedule: Schedule, caller: str, account: str) -> Way:
    """How an account is read and acted on; in an organisation every account has the roles of the same names."""
    organization = schedule.aws.organization
    if organization is None:
        return next((Way(known.role, known.act_role, known.external_id) for known in schedule.aws.accounts if known.id == account), Way())
    act = f"arn:aws:iam::{account}:role/{organization.act_role}" if organization.act_role else None
    read = None if account == caller else f"arn:aws:iam::{account}:role/{organization.role}"
    return Way(read, act, organization.external_id)


PERMISSIONS = (
    Permission(By.JOB, "ListState", ("s3:ListBucket",), lambda schedule: bucket(schedule.state, schedule), lambda schedule: below(schedule.state)),
    Permission(By.JOB, "KeepState", ("s3:DeleteObject", "s3:GetObject", "s3:PutObject"), lambda schedule: objects(schedule.state, schedule)),
)
