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
from reporter.core.errors import Denied, Unavailable
from reporter.core.scope import TENANT_REGION

T = TypeVar("T")
R = TypeVar("R")

WINDOW_SECONDS = 60.0
REPEATED = frozenset({429, 500, 502, 503, 504})
LONGEST_PAUSE_SECONDS = 30.0
THREADS = 8


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
    ) -> None:
        self.tenant, self._url, self._patience, self._timeout, self._raw = tenant, url.rstrip("/"), patience, timeout, raw
        self._window = RateWindow(calls_per_minute)
        self._http = requests.Session()
        self._http.trust_env = url.startswith("https://")
        self._http.mount(url, requests.adapters.HTTPAdapter(pool_maxsize=THREADS))
        self._headers = {"api-version": "v1", "Accept": "application/json"}
        if auth == "api-key":
            self._headers["Authorization"] = f"ApiKey {key}"
        else:
            self._headers["api-secret-key"] = key

    def reader(self, source: str, redacts: Sequence[str] = ()) -> WpReader:
        """A reader for one scope: this tenant and one source."""
        if redacts:
            raise ValueError("no WP source declares redactions")
        return WpReader(self, source)

    def send(self, method: str, path: str, *, query: Mapping[str, Any], body: Any, right: str) -> tuple[dict[str, Any], bytes, int]:
        """One read (GET, or POST of a search), repeated while throttled or failing. Returns the answer, its bytes, and how often it was repeated.

        Raises Denied (401, 403) and Unavailable (anything else that is not a JSON object with status 200).
        """
        call = f"{method} {path}"
        deadline = time.monotonic() + self._patience
        pause, repeated = 1.0, 0
        while True:
            self._window.wait()
            try:
                answer = self._http.request(
                    method,
                    self._url + path,
                    params={**query},
                    json=body,
                    headers=self._headers,
                    timeout=self._timeout,
                    allow_redirects=False,
                )
                problem = f"status {answer.status_code}" if answer.status_code in REPEATED else ""
            except requests.RequestException as error:
                answer, problem = None, type(error).__name__
            if answer is not None and not problem:
                return self._parse(answer, call, right), answer.content, repeated
            if time.monotonic() + pause > deadline:
                raise Unavailable(f"{call} at tenant {self.tenant}: {problem}, given up after {repeated + 1} calls")
            time.sleep(pause * random.uniform(0.5, 1.0))  # noqa: S311  # jitter
            pause, repeated = min(pause * 2, LONGEST_PAUSE_SECONDS), repeated + 1

    def _parse(self, answer: requests.Response, call: str, right: str) -> dict[str, Any]:
        where = f"{call} at tenant {self.tenant}"
        if answer.status_code == 401:
            raise Denied(f"{where}: the API key is refused (wrong, expired, or of the other auth mode)", permission="a valid API key")
        if answer.status_code == 403:
            raise Denied(f"{where}: the key's role may not do this", permission=right)
        if answer.status_code != 200:
            raise Unavailable(f"{where}: status {answer.status_code}")
        try:
            value = json.loads(answer.content)
        except ValueError:
            raise Unavailable(f"{where}: the answer is not complete JSON") from None
        if not isinstance(value, dict):
            raise Unavailable(f"{where}: the answer is not a JSON object")
        return value

    def keep(self, source: str, operation: str, sequence: int, body: bytes) -> None:
        """Hand a raw answer to the record."""
        if self._raw is not None:
            self._raw(RawAnswer(self.tenant, TENANT_REGION, source, "wp", operation, sequence, body, "application/json"))


class WpReader:
    """What a source reads through: one tenant, one source, calls and repeats counted."""

    def __init__(self, client: WpClient, source: str) -> None:
        self._client, self._source = client, source
        self._lock = threading.Lock()
        self.tenant = client.tenant
        self.calls = 0
        self.retries = 0

    def get(self, path: str, *, right: str, **query: Any) -> dict[str, Any]:
        """One object. `right` is the role right to name when the call is refused."""
        return self._call("GET", path, query, None, right, path.strip("/").replace("/", "-"))

    def search(self, path: str, key: str, *, right: str, expand: Sequence[str] = (), page: int = 1000, **query: Any) -> list[dict[str, Any]]:
        """Every object of a collection, in order of id. Raises Unavailable for a page that breaks the order or lacks its list."""
        found: list[dict[str, Any]] = []
        last = 0
        if expand:
            query["expand"] = list(expand)
        for number in range(1, 1_000_000):
            criteria = {"maxItems": page, "sortByObjectID": True, "searchCriteria": [{"idTest": "greater-than", "idValue": last}]}
            answer = self._call("POST", f"{path}/search", query, criteria, right, f"{path.strip('/').replace('/', '-')}-search-{number:04d}")
            items = answer.get(key)
            if not isinstance(items, list) or not all(isinstance(item, dict) and type(item.get("ID")) is int for item in items):
                raise Unavailable(f"POST {path}/search at tenant {self.tenant}: the answer has no list {key!r} of objects with an ID")
            if not items:
                break
            ids = [item["ID"] for item in items]
            if ids[0] <= last or any(later <= earlier for earlier, later in itertools.pairwise(ids)):
                raise Unavailable(f"POST {path}/search at tenant {self.tenant}: page {number} is not in order of ID")
            found += items
            last = ids[-1]
        return found

    def map(self, function: Callable[[T], R], items: Iterable[T]) -> list[R]:
        """The function over items in a few threads, order kept. The first error ends it."""
        with ThreadPoolExecutor(THREADS) as threads:
            return list(threads.map(function, items))

    def _call(self, method: str, path: str, query: Mapping[str, Any], body: Any, right: str, operation: str) -> dict[str, Any]:
        with self._lock:
            sequence = self.calls
            self.calls += 1
        answer, content, repeated = self._client.send(method, path, query=query, body=body, right=right)
        with self._lock:
            self.retries += repeated
        self._client.keep(self._source, operation, sequence, content)
        return answer
