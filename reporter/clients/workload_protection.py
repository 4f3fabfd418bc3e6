"""Workload Protection's REST API (v1), built on requests: paged by id, rate-limited on our side, strictly parsed.

Source of every rule here: the vendor's OpenAPI 50.0 and its guides on search, rate limits and authentication. The API has no cursor, no total and
no next link: a search is repeated with `id greater than the last one` until a page is empty. Its rate window is 60 seconds, a refused call carries
no Retry-After.
"""

from __future__ import annotations

import itertools
import json
import random
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import requests

from reporter.clients.aws_raw import RawAnswer, RawObserver
from reporter.clients.wp_json import Decode, decoded, page_decoder, whole
from reporter.core.action import Refused, Uncertain
from reporter.core.call import Call, CallLog, Place, asked, unlogged
from reporter.core.clock import now as present
from reporter.core.errors import Denied, ScheduleError, ScopeProblem, Unavailable
from reporter.core.scope import TENANT_REGION
from reporter.core.secret import veiled

T = TypeVar("T")
R = TypeVar("R")

WINDOW_SECONDS = 60.0
REPEATED = frozenset({429, 500, 502, 503, 504})
LONGEST_PAUSE_SECONDS = 30.0
THREADS = 8


_Kept = tuple[Call, str, bytes]


class Gone(Unavailable):
    """404 to a call on one object: it is not there, or the key may not see it."""


class RateWindow:
    """At most `limit` calls in any 60 seconds; a caller waits its turn. One for each tenant."""

    def __init__(self, limit: int, clock: Callable[[], float] = time.monotonic, sleep: Callable[[float], None] = time.sleep) -> None:
        self._limit, self._clock, self._sleep = limit, clock, sleep
        self._calls: deque[float] = deque()
        self._lock = threading.Lock()

    def wait(self) -> None:
        """Return when one more call is within the limit, and count it."""
        while True:
            with self._lock:
                now = self._clock()
                while self._calls and now - self._calls[0] >= WINDOW_SECONDS:
                    self._calls.popleft()
                if len(self._calls) < self._limit:
                    self._calls.append(now)
                    return
                pause = WINDOW_SECONDS - (now - self._calls[0])
            self._sleep(max(pause, 0.01))


class _Key(requests.auth.AuthBase):
    """The API key in its header. As requests' own `auth`, because a .netrc entry for the host would replace a header that was merely set."""

    def __init__(self, auth: str, key: str) -> None:
        self.key = key
        self._header = ("Authorization", f"ApiKey {key}") if auth == "api-key" else ("api-secret-key", key)

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        name, value = self._header
        request.headers[name] = value
        return request


class WpClient:
    """One tenant's API. Thread-safe; never follows a redirect, because the key travels in a header."""

    def __init__(
        self,
        tenant: str,
        url: str,
        auth: str,
        key: str,
        *,
        calls_per_minute: int = 400,
        patience: float = 150.0,
        timeout: float = 60.0,
        raw: RawObserver | None = None,
        log: CallLog = unlogged,
        renew: Callable[[], str] | None = None,
        told: Callable[[str], None] = lambda _: None,
    ) -> None:
        """`renew` reads the key once more; asked once for each key that is refused, because keys are rotated. `told` is given what came of it."""
        self.tenant, self._url, self._patience, self._timeout, self._raw, self.log = tenant, url.rstrip("/"), patience, timeout, raw, log
        self._window = RateWindow(calls_per_minute)
        self._http = requests.Session()
        self._http.trust_env = url.startswith("https://")
        self._http.mount(url, requests.adapters.HTTPAdapter(pool_maxsize=THREADS))
        self._auth, self._key, self._renew, self._told = auth, _Key(auth, key), renew, told
        self._renewing, self._asked_for = threading.Lock(), set[str]()
        self._headers = {"api-version": "v1", "Accept": "application/json"}

    def reader(self, source: str, redacts: Sequence[str] = ()) -> WpReader:
        """A reader for one scope: this tenant and one source."""
        if redacts:
            raise ValueError("no WP source declares redactions")
        return WpReader(self, source)

    def send(
        self, method: str, path: str, *, query: Mapping[str, Any], body: Any, right: str, noted: Call, decode: Decode = whole
    ) -> tuple[dict[str, Any], bytes]:
        """One read (GET, or POST of a search), repeated while throttled or failing. Returns the answer, or what `decode` takes of it, and its bytes;
        `noted` tells of the rest.

        Raises Denied (401, 403) and Unavailable (anything else that is not a JSON object with status 200).
        """
        call = f"{method} {path}"
        answer, problem, repeated, throttled = self._ask(method, path, query, body, REPEATED)
        noted.attempts, noted.throttled = repeated + 1, throttled
        if answer is not None:
            noted.answer(answer.status_code, answer.headers, present())
        if answer is None or problem:
            raise Unavailable(f"{call} at tenant {self.tenant}: {problem}, given up after {repeated + 1} calls")
        return self._parse(answer, call, right, decode), answer.content

    def write(self, method: str, path: str, body: Any, *, right: str, repeatable: bool) -> dict[str, Any]:
        """One change (POST, PUT, DELETE); {} where the answer has no body, or where what is to be deleted is gone already.

        A throttled call was not processed and is repeated; a failing one only if it is `repeatable` (the same twice is the same once). Raises
        Denied, Refused (nothing was changed), Uncertain (it may have taken effect).
        """
        call = f"{method} {path}"
        answer, problem, repeated, _ = self._ask(method, path, {}, body, REPEATED if repeatable else frozenset({429}))
        where = f"{call} at tenant {self.tenant}"
        if answer is None:
            raise Uncertain(f"{where}: {problem}, given up after {repeated + 1} calls")
        if answer.status_code in (401, 403):
            self._parse(answer, call, right)
        if method == "DELETE" and answer.status_code == 404:
            return {}
        if answer.status_code == 429:
            raise Refused(f"{where}: {problem}, given up after {repeated + 1} calls")
        if 400 <= answer.status_code < 500:
            raise Refused(f"{where}: status {answer.status_code}: {_message(answer)}")
        if answer.status_code == 204 or (answer.status_code == 200 and not answer.content):
            return {}
        try:
            return self._parse(answer, call, right)
        except Unavailable as problem_after:
            raise Uncertain(problem_after.message) from problem_after

    def _ask(
        self, method: str, path: str, query: Mapping[str, Any], body: Any, repeat: frozenset[int]
    ) -> tuple[requests.Response | None, str, int, int]:
        """The last answer (None: there was none), what was wrong with it, how often the call was repeated, and how often it was throttled."""
        deadline = time.monotonic() + self._patience
        pause, repeated, throttled = 1.0, 0, 0
        while True:
            self._window.wait()
            key, answer = self._key, None
            try:
                answer = self._http.request(
                    method,
                    self._url + path,
                    params={**query},
                    json=body,
                    headers=self._headers,
                    timeout=self._timeout,
                    allow_redirects=False,
                    auth=key,
                )
                problem = f"status {answer.status_code}" if answer.status_code in REPEATED else ""
            except requests.RequestException as error:
                problem = type(error).__name__
            status = answer.status_code if answer is not None else 503
            throttled += status == 429
            if status in (401, 403) and self._another_key(key.key, status):  # it was refused before it was processed
                repeated += 1
                continue
            if status not in repeat or time.monotonic() + pause > deadline:
                return answer, problem, repeated, throttled
            time.sleep(pause * random.uniform(0.5, 1.0))  # noqa: S311  # jitter
            pause, repeated = min(pause * 2, LONGEST_PAUSE_SECONDS), repeated + 1

    def _another_key(self, refused: str, status: int) -> bool:
        """Whether there is another key than the one that was refused, which is read again once."""
        with self._renewing:
            if self._key.key == refused and self._renew is not None and refused not in self._asked_for:
                self._asked_for.add(refused)
                began = f"the key of tenant {self.tenant} was refused (status {status}) and read again"
                try:
                    fresh = self._renew()
                except ScheduleError as error:
                    self._told(f"{began}: {error.what}")
                    return False
                self._key = _Key(self._auth, fresh)
                self._told(f"{began}: {'it is the same' if fresh == refused else 'it is another one, which is used from now on'}")
            return self._key.key != refused

    def _parse(self, answer: requests.Response, call: str, right: str, decode: Decode = whole) -> dict[str, Any]:
        where = f"{call} at tenant {self.tenant}"
        if answer.status_code == 401:
            raise Denied(f"{where}: the API key is refused (wrong, expired, or of the other auth mode)", permission="a valid API key")
        if answer.status_code == 403:
            raise Denied(f"{where}: the key's role may not do this", permission=right)
        if answer.status_code != 200:
            raise (Gone if answer.status_code == 404 else Unavailable)(f"{where}: status {answer.status_code}")
        try:
            value = decoded(answer.content, decode)
        except (ValueError, RecursionError):
            raise Unavailable(f"{where}: the answer is not complete JSON") from None
        if not isinstance(value, dict):
            raise Unavailable(f"{where}: the answer is not a JSON object")
        return value

    def keep(self, call: Call, operation: str, sequence: int, body: bytes) -> None:
        """Hand a raw answer to the record."""
        if self._raw is not None:
            received = RawAnswer(self.tenant, TENANT_REGION, call.source, "wp", operation, sequence, body, "application/json")
            self._raw(received)
            call.raw = f"raw/{received.place}/{received.file}"


def _message(answer: requests.Response) -> str:
    """The server's own words, where it has any."""
    try:
        said = json.loads(answer.content)
    except ValueError:
        return "no message"
    return veiled(" ".join(str(said.get("message", "no message") if isinstance(said, dict) else "no message").split()))[:300]


class WpReader:
    """What a source reads through: one tenant, one source, calls and repeats counted."""

    def __init__(self, client: WpClient, source: str) -> None:
        self._client, self._source = client, source
        self._lock = threading.Lock()
        self._thread = threading.local()
        self._place = Place()
        self._sequence = 0
        self.tenant = client.tenant
        self.only: tuple[str, ...] = ()
        """instances that are asked about, where it is not all"""
        self.calls = 0
        self.retries = 0

    def get(self, path: str, *, right: str, **query: Any) -> dict[str, Any]:
        """One object. `right` is the role right to name when the call is refused. Raises Gone for a 404."""
        answer, call = self._call("GET", path, query, None, right, path.strip("/").replace("/", "-"))
        call.last = True
        return answer

    def search(
        self,
        path: str,
        key: str,
        *,
        right: str,
        expand: Sequence[str] = (),
        page: int = 1000,
        where: Sequence[Mapping[str, Any]] = (),
        wanted: tuple[str, ...] = (),
        **query: Any,
    ) -> list[dict[str, Any]]:
        """Every object of a collection, in order of id; `where`: search criteria that all must hold; `wanted`: members (dotted paths, ID among them)
        that are taken, where it is not all.

        Raises Unavailable for a page that breaks the order or lacks its list.
        """
        found: list[dict[str, Any]] = []
        number = last = 0
        call: Call | None = None
        decode = page_decoder(key, wanted) if wanted else whole
        if expand:
            query["expand"] = list(expand)
        while True:
            number += 1
            criteria = {"maxItems": page, "sortByObjectID": True, "searchCriteria": [*where, {"idTest": "greater-than", "idValue": last}]}
            name = f"{path.strip('/').replace('/', '-')}-search-{number:04d}"
            answer, call = self._call("POST", f"{path}/search", query, criteria, right, name, call, decode)
            items = answer.get(key)
            if not isinstance(items, list) or not all(isinstance(item, dict) and type(item.get("ID")) is int for item in items):
                raise Unavailable(f"POST {path}/search at tenant {self.tenant}: the answer has no list {key!r} of objects with an ID")
            call.items, call.last = len(items), not items
            if not items:
                return found
            ids = [item["ID"] for item in items]
            if ids[0] <= last or any(later <= earlier for earlier, later in itertools.pairwise(ids)):
                raise Unavailable(f"POST {path}/search at tenant {self.tenant}: page {number} is not in order of ID")
            found += items
            last = ids[-1]

    def map(self, function: Callable[[T], R], items: Iterable[T]) -> list[R]:
        """The function over items in a few threads; results, and the raw answers they caused, in the order of the items. The first error ends it."""
        made: list[R] = []
        within = self._here.next()

        def apart(numbered: tuple[int, T]) -> tuple[R, list[_Kept]]:
            """The function's result, and the raw answers it caused, kept aside; its calls are numbered by its item."""
            number, item = numbered
            kept: list[_Kept] = []
            self._thread.kept, self._thread.place = kept, Place((*within, number))
            return function(item), kept

        with ThreadPoolExecutor(THREADS) as threads:
            for result, kept in threads.map(apart, enumerate(items)):
                made.append(result)
                for answer in kept:
                    self._keep(*answer)
        return made

    @property
    def _here(self) -> Place:
        """Where this thread's next call is numbered."""
        return getattr(self._thread, "place", self._place)

    def _call(
        self,
        method: str,
        path: str,
        query: Mapping[str, Any],
        body: Any,
        right: str,
        operation: str,
        before: Call | None = None,
        decode: Decode = whole,
    ) -> tuple[dict[str, Any], Call]:
        """One call, as the log has it, after the page `before` it."""
        order = self._here.next()
        given = asked({**query, **({"body": body} if body is not None else {})})
        listing, page = (before.listing, before.page + 1) if before else (order, 1)
        call = Call(self.tenant, TENANT_REGION, self._source, "wp", f"{method} {path}", TENANT_REGION, given, listing, order, page)
        self._client.log(call)
        with self._lock:
            self.calls += 1
        try:
            answer, content = self._client.send(method, path, query=query, body=body, right=right, noted=call, decode=decode)
        except ScopeProblem as problem:
            call.error = problem.message
            raise
        finally:
            with self._lock:
                self.retries += max(call.attempts - 1, 0)
        kept = getattr(self._thread, "kept", None)
        if kept is None:
            self._keep(call, operation, content)
        else:
            kept.append((call, operation, content))
        return answer, call

    def _keep(self, call: Call, operation: str, content: bytes) -> None:
        self._client.keep(call, operation, self._sequence, content)
        self._sequence += 1
