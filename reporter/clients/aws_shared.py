"""One client a service and region, for all accounts: in whose name a call is signed is said for each call.

botocore makes a class with all operations, an endpoint resolver and a tree of handlers for every client: for each service and region of a hundred
accounts that would be thousands of them, to ask a few questions each.
Outside `Lent.client` a shared client has no credentials and every call with it is refused, so that nothing is ever asked in another's name. Each
account keeps its own quota of retries: one that is told to slow down takes nothing from the others.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from botocore.config import Config
from botocore.exceptions import NoCredentialsError
from botocore.retries import standard
from botocore.retries.quota import RetryQuota

from reporter.clients.aws_sessions import keep_host, new_session

AT_ONCE = 256
"""connections that a shared client keeps: never what limits it, budgets do"""


@dataclass
class Standing:
    """In whose name: credentials that renew themselves (botocore's; None: there are none), and what that account may still try again."""

    credentials: Any
    quotas: dict[tuple[str, str], RetryQuota] = field(default_factory=dict)

    def quota(self, of: tuple[str, str]) -> RetryQuota:
        found = self.quotas.get(of)
        return self.quotas.setdefault(of, RetryQuota()) if found is None else found


class _Thread(threading.local):
    """In whose name this thread calls now."""

    standing: Standing | None = None


_NOW = _Thread()


class _Borrowed:
    """Credentials of a shared client: those in whose name the present thread calls. The part of botocore's Credentials that signing uses."""

    method = "borrowed"
    account_id = None

    def get_frozen_credentials(self) -> Any:
        standing = _NOW.standing
        if standing is None or standing.credentials is None:
            raise NoCredentialsError
        return standing.credentials.get_frozen_credentials()

    def get_deferred_property(self, _name: str) -> Callable[[], None]:
        return lambda: None


@dataclass(frozen=True)
class _Quotas:
    """A shared client's quota of retries: that of the account in whose name this thread calls."""

    of: tuple[str, str]

    def acquire(self, amount: int) -> bool:
        return _NOW.standing is not None and _NOW.standing.quota(self.of).acquire(amount)

    def release(self, amount: int) -> None:
        if _NOW.standing is not None:
            _NOW.standing.quota(self.of).release(amount)


class Lent:
    """Shared clients, each made once. Safe to share between threads."""

    def __init__(self, config: Config, max_attempts: int) -> None:
        self._config, self._max_attempts = config.merge(Config(max_pool_connections=AT_ONCE)), max_attempts
        self._lock = threading.Lock()
        self._clients: dict[tuple[str, str], Any] = {}
        self._session: Any = None

    @contextmanager
    def client(self, service: str, region: str, standing: Standing) -> Iterator[Any]:
        """boto3's client of a service, which signs in this name in this thread until the block ends. Raises BotoCoreError."""
        client, before = self._made(service, region), _NOW.standing
        _NOW.standing = standing
        try:
            yield client
        finally:
            _NOW.standing = before

    def _made(self, service: str, region: str) -> Any:
        found = self._clients.get((service, region))
        if found is not None:
            return found
        with self._lock:  # making one is not thread-safe
            found = self._clients.get((service, region))
            if found is None:
                self._session = self._session or new_session(_Borrowed())
                found = self._session.client(service, region_name=region, config=self._config)
                _quota_of_each(found, (service, region), self._max_attempts)
                if service == "s3control":
                    keep_host(found)
                self._clients[(service, region)] = found
            return found


def _quota_of_each(client: Any, of: tuple[str, str], max_attempts: int) -> None:
    """botocore's retry handler once more, with the quotas of the accounts in place of the client's one."""
    name = client.meta.service_model.service_id.hyphenize()
    client.meta.events.unregister(f"needs-retry.{name}", unique_id=f"retry-config-{name}")
    handler = standard.register_retry_handler(client, max_attempts)
    handler._retry_quota._quota = _Quotas(of)  # type: ignore[attr-defined]  # noqa: SLF001  # no other way in; a test sees it work
