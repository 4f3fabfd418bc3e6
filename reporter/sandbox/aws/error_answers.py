"""AWS errors in the shape of each wire protocol, for answers that never reach moto."""

from __future__ import annotations

import json
from dataclasses import dataclass
from xml.sax.saxutils import escape

from reporter.sandbox.aws.recognise import Asked

REQUEST_ID = "5a6d0b0e-0000-4000-8000-000000000000"


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole HTTP answer. Status 0: the connection is closed instead."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes


CLOSED = Answer(0, [], b"")

# for each protocol: (code, HTTP status); S3 speaks rest-xml with codes of its own
DENIED = {"json": ("AccessDeniedException", 400), "rest-json": ("AccessDeniedException", 403), "ec2": ("UnauthorizedOperation", 403)}
THROTTLED = {
    "json": ("ThrottlingException", 400),
    "rest-json": ("ThrottlingException", 429),
    "ec2": ("RequestLimitExceeded", 503),
    "s3": ("SlowDown", 503),
}
EXPIRED = {
    "json": ("ExpiredTokenException", 400),
    "rest-json": ("ExpiredTokenException", 403),
    "ec2": ("RequestExpired", 400),
    "s3": ("ExpiredToken", 400),
}
UNKNOWN = {
    "json": ("UnrecognizedClientException", 400),
    "rest-json": ("UnrecognizedClientException", 403),
    "ec2": ("AuthFailure", 401),
    "s3": ("InvalidAccessKeyId", 403),
}


PREFIXES = {"elb": "elasticloadbalancing", "elbv2": "elasticloadbalancing", "s3control": "s3", "sesv2": "ses"}
"""IAM's names of services that have another"""


def code_of(codes: dict[str, tuple[str, int]], asked: Asked, default: tuple[str, int]) -> tuple[str, int]:
    if asked.service in {"s3", "s3control"} and "s3" in codes:
        return codes["s3"]
    return codes.get(asked.protocol, default)


def denied(asked: Asked) -> Answer:
    code, status = code_of(DENIED, asked, ("AccessDenied", 403))
    prefix = PREFIXES.get(asked.service, asked.service)
    who = (
        asked.role.replace(":iam:", ":sts:").replace(":role/", ":assumed-role/") + "/session"
        if asked.role
        else f"arn:aws:iam::{asked.account}:user/caller"
    )
    action = f"{prefix}:{asked.operation}"
    message = f"User: {who} is not authorized to perform: {action} because no identity-based policy allows the {action} action"
    return error(asked, code, message, status)


def throttled(asked: Asked) -> Answer:
    code, status = code_of(THROTTLED, asked, ("Throttling", 400))
    return error(asked, code, "Rate exceeded", status)


def expired(asked: Asked) -> Answer:
    code, status = code_of(EXPIRED, asked, ("ExpiredToken", 403))
    return error(asked, code, "The security token included in the request is expired", status)


def unknown_token(asked: Asked) -> Answer:
    code, status = code_of(UNKNOWN, asked, ("InvalidClientTokenId", 403))
    return error(asked, code, "The security token included in the request is invalid.", status)


def error(asked: Asked, code: str, message: str, status: int) -> Answer:
    """An error body that the service's own clients can parse."""
    if asked.protocol in {"json", "rest-json", ""}:
        body = json.dumps({"__type": code, "message": message})
        return Answer(status, [("Content-Type", "application/json"), ("x-amzn-ErrorType", code)], body.encode())
    code, message = escape(code), escape(message)
    if asked.protocol == "ec2":
        body = (
            f"<Response><Errors><Error><Code>{code}</Code><Message>{message}</Message></Error></Errors><RequestID>{REQUEST_ID}</RequestID></Response>"
        )
    elif asked.service == "s3":
        body = f"<Error><Code>{code}</Code><Message>{message}</Message><RequestId>{REQUEST_ID}</RequestId></Error>"
    else:
        inner = f"<Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error>"
        body = f"<ErrorResponse>{inner}<RequestId>{REQUEST_ID}</RequestId></ErrorResponse>"
    return Answer(status, [("Content-Type", "text/xml")], b'<?xml version="1.0" encoding="UTF-8"?>\n' + body.encode())


def json_answer(value: object, status: int = 200) -> Answer:
    return Answer(status, [("Content-Type", "application/json")], json.dumps(value).encode())
