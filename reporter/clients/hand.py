"""The hand an action is given: it re-reads with the reading credentials, writes with the acting ones, and journals each write before and after."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, cast

from botocore.exceptions import BotoCoreError, ClientError, ParamValidationError

from reporter.clients.aws import AwsClients, AwsReader
from reporter.clients.aws_errors import error_code, error_message, from_answer, from_the_way
from reporter.clients.aws_parsing import RAW, BrokenPage
from reporter.clients.workload_protection import WpClient, WpReader
from reporter.core import clock
from reporter.core.action import Held, Refused, Uncertain
from reporter.core.change import Json
from reporter.core.errors import Denied
from reporter.core.past import Deed

SOURCE = "actions"
"""What raw answers of re-reading are kept under."""


@dataclass(frozen=True)
class Way:
    """How an account is read and acted on: roles, or None for the current credentials."""

    role: str | None = None
    act_role: str | None = None
    external_id: str | None = None


@dataclass(frozen=True)
class Doors:
    """Everything a hand goes through. `acting`: a client per tenant with the acting key (the reading one where there is none).

    `cache`: answers that one run may share between changes (a tenant's policies), by what they are of.
    """

    aws: AwsClients
    reading: Mapping[str, WpClient]
    acting: Mapping[str, WpClient]
    way: Callable[[str], Way]
    send_mail: Callable[[Any], str] | None = None
    cache: dict[Any, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Hand:
    """One change's hand. `begun`: when the change was begun, by our clock; `run`: id of the run that makes it.

    `journal(event, facts)` is durable when it returns. `calls`: how many writes earlier attempts at this change have announced; with none of
    them nothing can have taken effect. `answers`: what came of those that were answered. `standing`: other deeds of the action on the same target
    that were not failed or undone. `now`: the present.
    """

    doors: Doors
    run: str
    deed: str
    begun: datetime
    journal: Callable[[str, Json], None]
    calls: int = 0
    answers: tuple[Json, ...] = ()
    standing: tuple[Deed, ...] = ()
    now: Callable[[], datetime] = clock.now

    def wp(self, tenant: str) -> WpReader:
        """Reads a tenant. Raises KeyError for a tenant that the schedule does not name."""
        return cast("WpReader", self.shared(("reader", tenant), lambda: self.doors.reading[tenant].reader(SOURCE)))

    def aws(self, account: str, region: str) -> AwsReader:
        """Reads an account and region."""
        way = self.doors.way(account)
        made = lambda: self.doors.aws.reader(account, region, SOURCE, way.role, way.external_id, self.begun)  # noqa: E731
        return cast("AwsReader", self.shared(("reader", account, region), made))

    def shared(self, what: tuple[Any, ...], read: Callable[[], Any]) -> Any:
        """read(), once in this run for all changes that ask for the same."""
        if what not in self.doors.cache:
            self.doors.cache[what] = read()
        return self.doors.cache[what]

    def wp_write(self, tenant: str, method: str, path: str, body: Json | None = None, *, right: str, repeatable: bool) -> dict[str, Any]:
        """One write at a tenant, as WpClient.write. Raises Denied, Refused, Uncertain."""
        with_body = None if body is None else dict(body)
        return self._journalled(
            {"tenant": tenant, "call": f"{method} {path}", "body": with_body},
            lambda: (self.doors.acting[tenant].write(method, path, with_body, right=right, repeatable=repeatable), ""),
        )

    def aws_write(self, account: str, region: str, service: str, operation: str, *, refused: Sequence[str] = (), **params: Any) -> dict[str, Any]:
        """One write at AWS; `operation` is boto3's method name. Raises Denied, Refused (any answer 4xx, named `refused` codes), Uncertain."""
        way = self.doors.way(account)
        facts = {"account": account, "region": region, "call": f"{service} {operation}", "body": params}
        return self._journalled(facts, lambda: self._aws(way, account, region, service, operation, refused, params))

    def mail(self, message: Any) -> dict[str, Any]:
        """Send one message. Raises Held, Denied, Refused, Uncertain."""
        send = self.doors.send_mail
        if send is None:
            raise Held("no way to send mail: deliver.email is not set in the schedule")
        facts = {"call": "send mail", "to": str(message["To"]), "message_id": str(message["Message-ID"])}
        return self._journalled(facts, lambda: ({"receipt": send(message)}, ""))

    def _aws(
        self, way: Way, account: str, region: str, service: str, operation: str, refused: Sequence[str], params: Mapping[str, Any]
    ) -> tuple[dict[str, Any], str]:
        where = f"{service}:{operation} in {account} {region}"
        try:
            client = self.doors.aws.client(account, service, region, way.act_role or way.role, way.external_id)
            with self.doors.aws.budget(account, service):
                answer: dict[str, Any] = getattr(client, operation)(**params)
        except ClientError as error:
            name = client.meta.method_to_api_mapping[operation]
            problem = from_answer(error, where=where, service=service, operation=name)
            if isinstance(problem, Denied):
                raise problem from error
            status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
            if error_code(error) in refused or 400 <= status < 500:
                raise Refused(f"{where}: {error_code(error)}: {error_message(error)[:300]}", code=error_code(error)) from error
            raise Uncertain(problem.message) from error
        except ParamValidationError as error:  # nothing was sent
            raise Refused(f"{where}: {' '.join(str(error).split())[:300]}") from error
        except BotoCoreError as error:
            lost = from_the_way(error, where=where)
            raise (lost if isinstance(lost, Denied) else Uncertain(lost.message)) from error
        except BrokenPage as error:
            raise Uncertain(f"{where}: broken answer: {error}"[:300]) from error
        answer.pop(RAW, None)
        return answer, str(answer.pop("ResponseMetadata", {}).get("RequestId") or "")

    def _journalled(self, facts: Json, write: Callable[[], tuple[dict[str, Any], str]]) -> dict[str, Any]:
        """The answer of a write; its request id, where it has one, is in the journal alone."""
        self.journal("call", facts)
        try:
            answer, request_id = write()
        except Uncertain:
            raise  # no answer is written: whoever comes next has to look
        except (Denied, Refused) as refusal:
            self.journal("answer", {"call": facts["call"], "refused": refusal.message})
            raise
        self.journal("answer", {"call": facts["call"], "answer": answer, **({"request_id": request_id} if request_id else {})})
        return answer
