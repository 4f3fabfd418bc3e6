"""Which operation a request asks for, of which account and region, with whose credentials: read off the request as AWS would."""

from __future__ import annotations

import functools
import io
import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs

import moto.iam.models
from botocore.exceptions import UnknownServiceError
from moto.core.request import Request
from moto.core.routing import get_service_router
from moto.core.utils import get_service_model
from werkzeug.exceptions import NotFound

from reporter.sandbox.aws.sessions import session_of
from reporter.sandbox.aws.store import home_region

CREDENTIAL = re.compile(r"Credential=([^/,\s]+)/\d{8}/([^/]+)/([^/]+)/aws4_request")
READING = re.compile(r"(Describe|Get|List|Search|BatchGet|BatchDescribe|Check|Lookup|AssumeRole|Head|Select|Simulate|Test|Decode|Preview)")
BY_VERSION = {"2012-06-01": "elb", "2015-12-01": "elbv2"}
BY_SIGNING_NAME = {"monitoring": "cloudwatch", "states": "stepfunctions", "email": "ses"}
UNSIGNED = ("unknown", "us-east-1")


@dataclass(frozen=True, slots=True)
class Asked:
    """One request, recognised. `region` is `global` for account-wide services, `signed_region` always the one signed for."""

    service: str
    operation: str
    account: str
    region: str
    signed_region: str
    access_key: str
    role: str
    protocol: str

    @property
    def write(self) -> bool:
        """Does the operation change something, by its name? What is not recognised counts as a write."""
        return READING.match(self.operation) is None


def recognise(environ: dict[str, Any]) -> Asked:
    """Reads a form body if there is one (and puts it back); never consumes any other."""
    access_key, region, signing = signed_for(environ)
    form = form_of(environ)
    service = service_of(environ, signing, form)
    operation = operation_of(environ, service, form)
    session = session_of(access_key)
    account = environ.get("HTTP_X_MOTO_ACCOUNT_ID") or (session.account if session else moto.iam.models.get_account_id_from(access_key))
    logged = "global" if home_region(service, region) == "global" else region
    return Asked(service, operation, account, logged, region, access_key, session.role if session else "", protocol_of(service))


def signed_for(environ: dict[str, Any]) -> tuple[str, str, str]:
    """(access key, region, signing name) of the SigV4 scope, in the header or in a presigned URL."""
    match = CREDENTIAL.search(environ.get("HTTP_AUTHORIZATION", ""))
    if match:
        return match.group(1), match.group(2), match.group(3).lower()
    presigned = parse_qs(environ.get("QUERY_STRING", "")).get("X-Amz-Credential", [""])[0].split("/")
    if len(presigned) == 5:
        return presigned[0], presigned[2], presigned[3].lower()
    return "", UNSIGNED[1], UNSIGNED[0]


def form_of(environ: dict[str, Any]) -> dict[str, list[str]]:
    if not environ.get("CONTENT_TYPE", "").startswith("application/x-www-form-urlencoded"):
        return parse_qs(environ.get("QUERY_STRING", "")) if "Action=" in environ.get("QUERY_STRING", "") else {}
    body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    environ["wsgi.input"] = io.BytesIO(body)
    return parse_qs(body.decode("utf-8", "replace"), keep_blank_values=True)


def service_of(environ: dict[str, Any], signing: str, form: dict[str, list[str]]) -> str:
    if signing == "unknown":
        return "sts" if form.get("Action", [""])[0].startswith("AssumeRole") else "unknown"
    if signing == "elasticloadbalancing":
        return BY_VERSION.get(form.get("Version", [""])[0], "elbv2")
    if signing == "s3" and environ.get("PATH_INFO", "").startswith("/v20180820/"):
        return "s3control"
    if signing == "ses" and environ.get("PATH_INFO", "").startswith("/v2/"):
        return "sesv2"
    return BY_SIGNING_NAME.get(signing, signing)


def operation_of(environ: dict[str, Any], service: str, form: dict[str, list[str]]) -> str:
    """The operation's name, empty if the service has no such one."""
    target: str = environ.get("HTTP_X_AMZ_TARGET", "")
    if target:
        return target.rsplit(".", 1)[-1]
    if "Action" in form:
        return form["Action"][0]
    if not protocol_of(service).startswith("rest-"):
        return ""
    try:
        operation, _ = get_service_router(service).match(Request({**environ, "wsgi.input": io.BytesIO(), "CONTENT_LENGTH": "0"}))
    except NotFound:
        return ""
    return str(operation.name)


@functools.cache
def protocol_of(service: str) -> str:
    """botocore's name of the wire protocol: json, rest-json, query, ec2, rest-xml; empty for an unknown service."""
    try:
        return str(get_service_model(service).protocol)
    except (UnknownServiceError, LookupError):
        return ""
