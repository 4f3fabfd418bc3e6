"""A time-stamping authority over HTTP. https://www.rfc-editor.org/rfc/rfc3161#section-3.4"""

from __future__ import annotations

import requests

from reporter.core.errors import Unavailable

_TIMEOUT = (10.0, 30.0)
_LARGEST = 256 << 10


def ask(url: str, query: bytes) -> bytes:
    """A DER query -> the DER answer, as received. Raises Unavailable."""
    headers = {"Content-Type": "application/timestamp-query", "User-Agent": "workload-compliance-reporter"}
    try:
        with requests.post(url, data=query, headers=headers, timeout=_TIMEOUT, allow_redirects=False, stream=True) as answer:
            if answer.status_code != 200:
                raise Unavailable(f"{url}: HTTP status {answer.status_code}")
            body = b""
            for block in answer.iter_content(1 << 14):
                body += block
                if len(body) > _LARGEST:
                    raise Unavailable(f"{url}: the answer is larger than a time stamp")
    except requests.RequestException as error:
        raise Unavailable(f"{url}: {type(error).__name__}: {error}"[:300]) from error
    return body
