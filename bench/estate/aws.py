"""Which call of AWS a request is, who asks it where, and who answers it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from bench.estate import alerts, ec2, identity, inspector, quiet
from bench.estate.call import Call, Made
from bench.estate.size import CALLER, Estate
from bench.estate.wire import Answer, Request

_SCOPE = re.compile(rb"(?i)\r\nauthorization: AWS4-HMAC-SHA256 Credential=([^/]*)/\d+/([^/]*)/([^/]*)/")
_TARGET = re.compile(rb"(?i)\r\nx-amz-target: *[\w.]*?\.?(\w+)\r\n")
_ACCOUNT = re.compile(r"[A-Z]{4}(\d{12})")
JSON, XML = "application/x-amz-json-1.1", "text/xml"

_QUERY = {"ec2", "autoscaling", "elasticloadbalancing", "iam", "sts"}
_REST: dict[str, tuple[tuple[str, re.Pattern[str], str], ...]] = {
    "guardduty": (
        ("GET", re.compile(r"/detector"), "ListDetectors"),
        ("GET", re.compile(r"/detector/\w+"), "GetDetector"),
        ("POST", re.compile(r"/detector/\w+/findings"), "ListFindings"),
        ("POST", re.compile(r"/detector/\w+/findings/get"), "GetFindings"),
    ),
    "inspector2": (
        ("POST", re.compile("/status/batch/get"), "BatchGetAccountStatus"),
        ("POST", re.compile("/findings/list"), "ListFindings"),
        ("POST", re.compile("/coverage/list"), "ListCoverage"),
        ("POST", re.compile("/coverage/statistics/list"), "ListCoverageStatistics"),
    ),
    "macie2": (
        ("GET", re.compile("/macie"), "GetMacieSession"),
        ("POST", re.compile("/findings"), "ListFindings"),
        ("POST", re.compile("/findings/describe"), "GetFindings"),
    ),
    "cloudfront": (("GET", re.compile(r"/[\d-]+/distribution"), "ListDistributions"),),
    "s3": (("GET", re.compile("/v20180820/configuration/publicAccessBlock"), "GetPublicAccessBlock"), ("GET", re.compile("/"), "ListBuckets")),
}
_OF_A_BUCKET = {
    "policy": "GetBucketPolicy",
    "publicAccessBlock": "GetBucketPublicAccessBlock",
    "ownershipControls": "GetBucketOwnershipControls",
    "encryption": "GetBucketEncryption",
    "acl": "GetBucketAcl",
    "location": "GetBucketLocation",
}

_ANSWERS: dict[tuple[str, str], Callable[[Call], Made]] = {**ec2.ANSWERS, **inspector.ANSWERS, **alerts.ANSWERS, **identity.ANSWERS, **quiet.ANSWERS}


class Aws:
    """Answers signed requests."""

    def __init__(self, estate: Estate) -> None:
        self._estate = estate

    def __call__(self, request: Request) -> Answer:
        scope = _SCOPE.search(request.head)
        if scope is None:
            return Answer("", "unsigned", "", b"", status=501)
        key, region, service = (part.decode() for part in scope.groups())
        known = _ACCOUNT.match(key)
        account = known[1] if known else CALLER
        parts = urlsplit(request.path)
        given, operation = self._read(service, request, unquote(parts.path), parse_qs(parts.query, keep_blank_values=True))
        answer = _ANSWERS.get((service, operation))
        if answer is None:
            return Answer(account, service, operation, b"<Error><Code>NotImplemented</Code></Error>", XML, 501)
        made = answer(Call(self._estate, account, region, operation, parts.path, given))
        xml = isinstance(made, bytes) and made.startswith(b"<")
        body = made if isinstance(made, bytes) else json.dumps(made, separators=(",", ":")).encode()
        return Answer(account, _client(service, parts.path, given), operation, body, XML if xml else JSON)

    def _read(self, service: str, request: Request, path: str, query: dict[str, list[str]]) -> tuple[dict[str, Any], str]:
        """(parameters, operation)"""
        if service in _QUERY:
            form = {name: values[0] for name, values in parse_qs(request.body.decode(), keep_blank_values=True).items()}
            return form, form.get("Action", "")
        target = _TARGET.search(request.head)
        given = json.loads(request.body) if request.body.startswith(b"{") else {}
        if target is not None:
            return given, target[1].decode()
        given |= {name: values[0] for name, values in query.items()}
        found = next(
            (name for method, form, name in _REST.get(service, ()) if method == request.method and form.fullmatch(path.rstrip("/") or "/")), ""
        )
        if not found and service == "s3":
            found = next((name for part, name in _OF_A_BUCKET.items() if part in query), "")
        return given, found


def _client(service: str, path: str, given: dict[str, Any]) -> str:
    """The client's name of a service, by which the reporter keeps its budgets: two pairs of services sign by one name."""
    if service == "elasticloadbalancing":
        return "elb" if given.get("Version") == "2012-06-01" else "elbv2"
    return "s3control" if service == "s3" and path.startswith("/v2") else service
