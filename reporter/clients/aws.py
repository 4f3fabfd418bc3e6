"""Clients of AWS: shared ones for readers, own ones for who writes; a budget of concurrent calls a (account, service)."""

from __future__ import annotations

import copy
import threading
from collections.abc import Sequence
from datetime import datetime
from functools import partial
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError

from reporter.clients.aws_errors import from_the_way
from reporter.clients.aws_parsing import SENT
from reporter.clients.aws_raw import RawObserver
from reporter.clients.aws_reader import AwsReader
from reporter.clients.aws_sessions import assume, endpoint_override, keep_host, new_session, renewing
from reporter.clients.aws_shared import Lent, Standing
from reporter.core.call import Call, CallLog, Place, asked, unlogged
from reporter.core.clock import now as present
from reporter.core.errors import ScopeProblem, Unavailable
from reporter.core.permission import By, Permission
from reporter.core.scope import GLOBAL

__all__ = ["AwsClients", "AwsReader"]

HOME_REGION = "us-east-1"
"""Region of the clients of global services, and of STS where the environment names none."""

_Key = tuple[str, str | None, str | None]


class AwsClients:
    """Everything that opens a connection to AWS. Safe to share between threads.

    Credentials, regions and endpoints follow boto3's own environment. `read_timeout`, `connect_timeout`: seconds; `max_attempts`: sends of
    one call, the first included; `concurrency`: calls at the same time for each account and service; `raw`: is given every answer; `log`: every call.
    """

    def __init__(
        self,
        *,
        read_timeout: float = 60,
        connect_timeout: float = 10,
        max_attempts: int = 8,
        concurrency: int = 4,
        raw: RawObserver | None = None,
        log: CallLog = unlogged,
    ) -> None:
        self._config = Config(
            read_timeout=read_timeout,
            connect_timeout=connect_timeout,
            retries={"mode": "standard", "total_max_attempts": max_attempts},
            max_pool_connections=max(10, concurrency),
            tcp_keepalive=True,
            user_agent_extra="workload-compliance-reporter",
        )
        self._concurrency = concurrency
        self._lent = Lent(self._config, max_attempts)
        self._raw, self._log, self._place = raw, log, Place()
        self._maker: AwsClients | None = None
        self._lock = threading.RLock()
        self._default: boto3.session.Session | None = None
        self._standings: dict[_Key, Standing] = {}
        self._clients: dict[tuple[_Key, str, str], Any] = {}
        self._budgets: dict[tuple[str, str], threading.Semaphore] = {}

    def beside(self, raw: RawObserver | None, log: CallLog) -> AwsClients:
        """Clients with a record, roles and budgets of their own, for another reading by the same process: they share what is costly to make."""
        other = copy.copy(self)
        other._raw, other._log, other._place, other._maker = raw, log, Place(), self._maker or self  # noqa: SLF001  # of this class
        other._standings, other._clients, other._budgets = {}, {}, {}  # noqa: SLF001
        return other

    @property
    def endpoint_override(self) -> str:
        """Where AWS calls go instead of AWS; "" where they go to AWS. Stamped on every output."""
        return endpoint_override()

    def reader(
        self,
        account: str,
        region: str,
        source_name: str,
        role_arn: str | None = None,
        external_id: str | None = None,
        now: datetime | None = None,
        rule_prefix: str = "reporter-",
        redacts: Sequence[str] = (),
    ) -> AwsReader:
        """The reader of one scope. Opens nothing yet."""
        return AwsReader(
            account=account,
            region=region,
            source=source_name,
            now=present() if now is None else now,
            rule_prefix=rule_prefix,
            redacts=tuple(redacts),
            raw=self._raw,
            log=self._log,
            threads=self._concurrency,
            client=lambda service, at: self._lent.client(service, _client_region(at), self._standing((account, role_arn, external_id))),
            budget=lambda service: self.budget(account, service),
        )

    def client(self, account: str, service: str, region: str, role_arn: str | None = None, external_id: str | None = None) -> Any:
        """boto3's client of a service in one account's name only, made once (making one is not thread-safe). Raises BotoCoreError.

        Its answers also hold their raw body under aws_parsing.RAW, and its errors are botocore's: readers see to both.
        """
        place, key = _client_region(region), (account, role_arn, external_id)
        with self._lock:
            found = self._clients.get((key, service, place))
            if found is None:
                session = self._own_session() if role_arn is None else new_session(self._standing(key).credentials)
                found = session.client(service, region_name=place, config=self._config)  # type: ignore[call-overload]  # any service
                if service == "s3control":
                    keep_host(found)
                self._clients[(key, service, place)] = found
            return found

    def budget(self, account: str, service: str) -> threading.Semaphore:
        """What every call of this account and service must hold while it runs."""
        with self._lock:
            return self._budgets.setdefault((account, service), threading.Semaphore(self._concurrency))

    def identity(self, account: str, role_arn: str | None = None, external_id: str | None = None) -> dict[str, str]:
        """Who the credentials for an account are: {"account", "arn", "user_id"}. Raises Denied, Unavailable."""
        answer = self.reader(account, GLOBAL, "identity", role_arn, external_id).call("sts", "get_caller_identity", region=self._home(account))
        try:
            return {"account": answer["Account"], "arn": answer["Arn"], "user_id": answer["UserId"]}
        except KeyError as error:
            raise Unavailable(f"sts:GetCallerIdentity in {account}: broken answer, {error} is missing") from error

    def enabled_regions(self, account: str, role_arn: str | None = None, external_id: str | None = None) -> tuple[str, ...]:
        """Regions that are enabled in an account, sorted. Raises Denied, Unavailable."""
        reader = self.reader(account, GLOBAL, "regions", role_arn, external_id)
        regions = reader.items("ec2", "describe_regions", "Regions", region=self._home(account), AllRegions=False)
        return tuple(sorted(region["RegionName"] for region in regions))

    def _own_session(self) -> boto3.session.Session:
        """With the credentials of the environment. Raises BotoCoreError."""
        if self._maker is not None:
            return self._maker._own_session()  # noqa: SLF001  # of this class
        with self._lock:
            self._default = self._default or new_session()
            return self._default

    def _standing(self, key: _Key) -> Standing:
        """In whose name an account is read. Raises BotoCoreError."""
        found = self._standings.get(key)
        if found is not None:
            return found
        account, role_arn, external_id = key
        with self._lock:
            found = self._standings.get(key)
            if found is None:
                if role_arn is None:
                    credentials = self._own_session().get_credentials()
                else:
                    credentials = renewing(partial(self._assumed, account, role_arn, external_id))
                found = self._standings[key] = Standing(credentials)
            return found

    def _assumed(self, account: str, role_arn: str, external_id: str | None) -> dict[str, str]:
        """assume(), logged as a call of its own: it happens in the midst of another one, which keeps its own count. Raises Denied, Unavailable."""
        outer, number = SENT.kept(), self._place.next()
        SENT.begin()
        call = Call(account, GLOBAL, "assume_role", "sts", "AssumeRole", self._home(), asked({"RoleArn": role_arn}), number, number)
        try:
            with self.budget("", "sts"):  # the caller's own
                return assume(self._caller_sts, account, role_arn, external_id)
        except ScopeProblem as problem:
            call.error = problem.message
            raise
        finally:
            call.attempts, call.throttled, call.last = SENT.attempts, SENT.throttled, call.error is None
            if SENT.status is not None:
                call.answer(SENT.status, SENT.headers, present())
            self._log(call)
            SENT.back_to(outer)

    def _home(self, account: str = "") -> str:
        """The region that the environment names. Raises Denied, Unavailable."""
        try:
            return self._own_session().region_name or HOME_REGION
        except BotoCoreError as error:  # a profile that does not exist
            raise from_the_way(error, where=f"the credentials for {account or 'this job'}") from error

    def _caller_sts(self) -> Any:
        return (self._maker or self).client("", "sts", self._home())


def _client_region(region: str) -> str:
    """Where a client of a region is; those of global services have one too."""
    return HOME_REGION if region == GLOBAL else region


PERMISSIONS = (Permission(By.READ, "RegionsOfTheAccount", ("ec2:DescribeRegions",)),)
