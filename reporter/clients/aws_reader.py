"""What a source calls: one scope's window on AWS. Errors arrive as Denied, Unavailable or NotEnabled, never as empty answers."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any, TypeVar

from botocore.exceptions import BotoCoreError, ClientError
from botocore.model import OperationModel

from reporter.clients.aws_errors import error_code, error_message, from_answer, from_the_way
from reporter.clients.aws_parsing import RAW, SENT, BrokenPage
from reporter.clients.aws_parts import NotAMember, Part, known
from reporter.clients.aws_raw import RawAnswer, RawObserver, redact
from reporter.core.call import Call, CallLog, Place, asked, unlogged
from reporter.core.clock import now as present
from reporter.core.errors import NotEnabled, ScopeProblem, Unavailable
from reporter.core.export import ExportTo
from reporter.core.table import Rows

Given = TypeVar("Given")
Made = TypeVar("Made")
_Kept = tuple[Call, bytes, str]
_TOKENS = (("NextToken", "NextToken"), ("nextToken", "nextToken"), ("NextMarker", "NextMarker"), ("NextMarker", "Marker"))
"""(member of the answer, member of the request) by which operations without a botocore paginator go on."""


class _Absent(Exception):
    """The answer was an error that the caller takes as 'there is none'."""


class _Thread(threading.local):
    """Where this thread's raw answers go instead of the record, and where its calls are numbered, while map() runs."""

    kept: list[_Kept] | None = None
    place: Place | None = None


@dataclass
class AwsReader:
    """Reads AWS for one scope. `calls` and `retries` count for the ledger.

    `region` is "global" for global sources (their clients are in us-east-1). `now`: the run's instant. `rule_prefix`: how the names of our
    own Config rules begin. `only`: instances that are asked about, `finding`: id or ARN of the one finding that is, where it is not all.
    `export`: where the service writes to what is too much to list, where the schedule says so. `administrator`: the reader of the delegated
    administrator that reads this account too; `members`: whom a delegated administrator reads beside itself.
    """

    account: str
    region: str
    source: str
    now: datetime
    rule_prefix: str
    redacts: tuple[str, ...]
    raw: RawObserver | None
    threads: int
    client: Callable[[str, str], AbstractContextManager[Any]]
    budget: Callable[[str], threading.Semaphore]
    log: CallLog = unlogged
    administrator: AwsReader | None = None
    members: tuple[str, ...] = ()
    only: tuple[str, ...] = ()
    finding: str = ""
    export: ExportTo | None = None
    calls: int = 0
    retries: int = 0
    _sequence: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _thread: _Thread = field(default_factory=_Thread)
    _place: Place = field(default_factory=Place)
    _parts: Mapping[str, Part] | None = None
    _reading: threading.Lock = field(default_factory=threading.Lock)

    @property
    def accounts(self) -> tuple[str, ...]:
        """Whom this reader reads: its own account and its members, sorted."""
        return tuple(sorted({self.account, *self.members}))

    def part(self, read: Callable[[AwsReader], Mapping[str, Part]]) -> Rows:
        """This account's rows of what `read` reads for all `accounts` of the reader it is given. Raises ScopeProblem.

        A delegated administrator is read once for itself and all its members, whichever of them is asked for first; the calls count on the
        administrator's own scope. Where it cannot speak for an account (no member, or its own service off), the account is read alone: that
        the administrator does not see it says nothing of the account. What else `read` raises is every account's problem.
        """
        if self.administrator is not None:
            try:
                return self.administrator.part_of(self.account, read)
            except NotAMember:
                pass
        return self.part_of(self.account, read)

    def part_of(self, account: str, read: Callable[[AwsReader], Mapping[str, Part]]) -> Rows:
        """The rows of one of `accounts`; the first to ask has them all read. Raises ScopeProblem."""
        with self._reading:
            if self._parts is None:
                broken = Unavailable(f"{self.source} in {self.account} {self.region}: the answer could not be understood")
                self._parts = dict.fromkeys(self.accounts, broken)  # stands where `read` breaks
                try:
                    self._parts = read(self)
                except NotEnabled as off:
                    self._parts = {**{member: self.no_member(member, off.message) for member in self.members}, self.account: off}
                except ScopeProblem as problem:
                    self._parts = dict.fromkeys(self.accounts, problem)
        return known(self._parts[account])

    def no_member(self, account: str, why: str) -> NotAMember:
        """What an account is that this delegated administrator cannot speak for."""
        return NotAMember(f"{account} is not read by the delegated administrator {self.account} in {self.region}: {why}")

    def call(
        self, service: str, operation: str, *, region: str | None = None, absent: Sequence[str] = (), off: Sequence[str] = (), **params: Any
    ) -> dict[str, Any]:
        """One call; `operation` is boto3's method name. Error codes in `absent` -> {}; in `off` -> NotEnabled. Raises Denied, Unavailable."""
        asking = _Asking(self, service, operation, region or self.region, absent, off, params)
        try:
            answer = asking.answer(lambda client: getattr(client, operation)(**params))
        except _Absent:
            return {}
        asking.ended(last=not any(answer.get(given) for given, _ in _TOKENS))
        return answer

    def content(self, service: str, operation: str, *, content_type: str, region: str | None = None, **params: Any) -> bytes:
        """The Body of one answer that is no document but a file, or a part of one; kept as of this type. Raises Denied, Unavailable."""
        asking = _Asking(self, service, operation, region or self.region, (), (), params)

        def whole(client: Any) -> dict[str, Any]:
            body = getattr(client, operation)(**params)["Body"].read()
            return {"Body": body, RAW: (body, content_type)}

        answer = asking.answer(whole)
        asking.ended(last=True)
        return bytes(answer["Body"])

    def items(self, service: str, operation: str, key: str, **how: Any) -> list[Any]:
        """All that `each` gives. Raises as it does."""
        return list(self.each(service, operation, key, **how))

    def each(
        self,
        service: str,
        operation: str,
        key: str,
        *,
        region: str | None = None,
        optional: bool = False,
        absent: Sequence[str] = (),
        off: Sequence[str] = (),
        **params: Any,
    ) -> Iterator[Any]:
        """Every element under `key` (dotted: "DistributionList.Items") of every page; of a list of a million there is never more than a page.

        A page without it is broken (Unavailable), unless `optional`: then its last part may be missing. Error codes in `absent`: no element; in
        `off`: NotEnabled. Raises Denied, Unavailable.
        """
        asking = _Asking(self, service, operation, region or self.region, absent, off, params)
        try:
            for page in asking.pages():
                elements = _under(page, key, optional, asking.where)
                asking.holds(len(elements))
                yield from elements
        except _Absent:
            return

    def map(self, function: Callable[[Given], Made], items: Iterable[Given]) -> list[Made]:
        """function(item) for every item, in a few threads; results, and the raw answers they caused, in the order of the items.

        The first item's error that there is, in that order, is raised; what has not begun is not begun.
        """
        listed = list(items)
        if len(listed) < 2 or self.threads < 2:
            return [function(item) for item in listed]
        made: list[Made] = []
        within = self.place.next()
        with ThreadPoolExecutor(min(self.threads, len(listed)), thread_name_prefix=f"{self.source}-{self.account}-{self.region}") as pool:
            try:
                places = [Place((*within, number)) for number in range(len(listed))]
                for future in [pool.submit(self._apart, function, item, place) for item, place in zip(listed, places, strict=True)]:
                    result, kept = future.result()
                    made.append(result)
                    for answer in kept:
                        self._deliver(answer)
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                raise
        return made

    def _apart(self, function: Callable[[Given], Made], item: Given, place: Place) -> tuple[Made, list[_Kept]]:
        """function(item), its calls numbered in `place`, with the raw answers it caused kept aside."""
        kept: list[_Kept] = []
        self._thread.kept, self._thread.place = kept, place
        try:
            return function(item), kept
        finally:
            self._thread.kept = self._thread.place = None

    @property
    def place(self) -> Place:
        """Where this thread's next call is numbered."""
        return self._thread.place or self._place

    def keep(self, call: Call, body: bytes, content_type: str) -> None:
        """Hand one raw answer to the record, redacted as the source declares."""
        if self.raw is None:
            return
        stored = redact(body, self.redacts) if self.redacts else body
        self._deliver((call, stored, content_type))

    def _deliver(self, answer: _Kept) -> None:
        if self._thread.kept is not None:
            self._thread.kept.append(answer)
            return
        call, body, content_type = answer
        with self._lock:
            sequence = self._sequence
            self._sequence += 1
        if self.raw is not None:
            received = RawAnswer(self.account, self.region, self.source, call.service, call.operation, sequence, body, content_type)
            self.raw(received)
            call.raw = f"raw/{received.place}/{received.file}"

    def count(self, attempts: int) -> None:
        """One call that was sent so many times; 0: it was not sent."""
        with self._lock:
            self.calls += min(attempts, 1)
            self.retries += max(attempts - 1, 0)


@dataclass
class _Asking:
    """One operation, asked for once or page by page. `call`: the last one, as the log has it; `asked`: what was asked for, without page tokens."""

    reader: AwsReader
    service: str
    operation: str
    region: str
    absent: Sequence[str]
    off: Sequence[str]
    params: dict[str, Any]
    name: str = ""
    call: Call | None = None
    asked: str = ""

    def __post_init__(self) -> None:
        self.name = "".join(part.capitalize() for part in self.operation.split("_"))
        self.asked = asked(self.params)

    @property
    def where(self) -> str:
        return f"{self.service}:{self.name} in {self.reader.account} {self.region}"

    def answer(self, ask: Callable[[Any], dict[str, Any]]) -> dict[str, Any]:
        """ask(client) within the budget, counted and logged, its raw body kept. Raises _Absent, NotEnabled, Denied, Unavailable."""
        SENT.begin()
        try:
            answer = self._asked(ask)
        except (_Absent, ScopeProblem) as problem:
            self._log(problem.message if isinstance(problem, ScopeProblem) else str(problem))
            raise
        finally:
            self.reader.count(SENT.attempts)
        body, content_type = answer.pop(RAW, (None, ""))
        if SENT.attempts:
            call = self._log(None)
            if body is not None:
                self.reader.keep(call, body, content_type)
        return answer

    def _log(self, error: str | None) -> Call:
        """Write down what was sent just now, after the page before it."""
        self.ended(last=False)
        before, reader = self.call, self.reader
        order = reader.place.next()
        call = Call(
            *(reader.account, reader.region, reader.source, self.service, self.name, self.region, self.asked),
            listing=before.listing if before else order,
            order=order,
            page=before.page + 1 if before else 1,
            attempts=SENT.attempts,
            error=error,
            throttled=SENT.throttled,
        )
        if SENT.status is not None:
            call.answer(SENT.status, SENT.headers, present())
        reader.log(call)
        self.call = call
        return call

    def holds(self, items: int) -> None:
        """The last answer has so many elements."""
        if self.call is not None:
            self.call.items = items

    def ended(self, *, last: bool) -> None:
        """Whether the last answer was the last page."""
        if self.call is not None and self.call.error is None:
            self.call.last = last

    def _asked(self, ask: Callable[[Any], dict[str, Any]]) -> dict[str, Any]:
        reader = self.reader
        try:
            with reader.client(self.service, self.region) as client:
                self.name = client.meta.method_to_api_mapping[self.operation]
                with reader.budget(self.service):
                    return ask(client)
        except ClientError as error:
            code = error_code(error)
            if code in self.absent:
                raise _Absent(code) from error
            if code in self.off:
                raise NotEnabled(f"{self.where}: {code}: {error_message(error)[:300]}") from error
            raise from_answer(error, where=self.where, service=self.service, operation=self.name) from error
        except BotoCoreError as error:
            raise from_the_way(error, where=self.where) from error
        except BrokenPage as error:
            raise Unavailable(f"{self.where}: broken page: {error}") from error

    def pages(self) -> Iterator[dict[str, Any]]:
        """Every page: by botocore's paginator where there is one, else by the token that the operation's model declares."""
        pages: Iterator[dict[str, Any]] | None = None

        def first(client: Any) -> dict[str, Any]:
            nonlocal pages
            if client.can_paginate(self.operation):
                pages = iter(client.get_paginator(self.operation).paginate(**self.params))
                return next(pages)
            return _further(self.operation, self.params, client)

        page = self.answer(first)
        if pages is None:
            yield from self._by_token(page)
            return
        while page is not _END:
            yield page
            page = self.answer(partial(_next, pages))
        self.ended(last=True)

    def _by_token(self, page: dict[str, Any]) -> Iterator[dict[str, Any]]:
        yield page
        with self.reader.client(self.service, self.region) as client:
            model: OperationModel = client.meta.service_model.operation_model(self.name)
        accepted = model.input_shape.members if model.input_shape is not None else {}
        seen: set[str] = set()
        while True:
            going_on = next(((page[given], wanted) for given, wanted in _TOKENS if page.get(given) and wanted in accepted), None)
            if going_on is None:
                self.ended(last=True)
                return
            token, accepting = going_on
            if token in seen:
                raise Unavailable(f"{self.where}: broken page: the same token twice")
            seen.add(token)
            page = self.answer(partial(_further, self.operation, {**self.params, accepting: token}))
            yield page


_END: dict[str, Any] = {}
"""What stands for 'no further page'; nothing was sent for it."""


def _next(pages: Iterator[dict[str, Any]], _client: Any) -> dict[str, Any]:
    return next(pages, _END)


def _further(operation: str, params: dict[str, Any], client: Any) -> dict[str, Any]:
    answer: dict[str, Any] = getattr(client, operation)(**params)
    return answer


def _under(page: Any, key: str, optional: bool, where: str) -> list[Any]:
    steps = key.split(".")
    value = page
    for step in steps[:-1]:
        value = value.get(step) if isinstance(value, dict) else None
    found = value.get(steps[-1]) if isinstance(value, dict) else None
    if found is None and optional and isinstance(value, dict):
        return []
    if not isinstance(found, list):
        raise Unavailable(f"{where}: broken page: it has no {key}")
    return found
