"""Answers of STS and EC2 to the questions that are asked before any source is read."""

from __future__ import annotations

from tests.clients.aws_server import Answer

XML = "text/xml"


def identity(account: str, name: str = "reporter-read") -> Answer:
    inner = f"<Arn>arn:aws:sts::{account}:assumed-role/{name}/reporter</Arn><UserId>AIDA</UserId><Account>{account}</Account>"
    return Answer(
        f"<GetCallerIdentityResponse><GetCallerIdentityResult>{inner}</GetCallerIdentityResult></GetCallerIdentityResponse>".encode(), 200, XML
    )


def regions(*names: str) -> Answer:
    items = "".join(f"<item><regionName>{name}</regionName></item>" for name in names)
    return Answer(f"<DescribeRegionsResponse><regionInfo>{items}</regionInfo></DescribeRegionsResponse>".encode(), 200, XML)


def refused(code: str = "AccessDenied") -> Answer:
    return Answer(f"<ErrorResponse><Error><Code>{code}</Code><Message>refused</Message></Error></ErrorResponse>".encode(), 403, XML)


def refused_by_ec2() -> Answer:
    return Answer(b"<Response><Errors><Error><Code>UnauthorizedOperation</Code><Message>refused</Message></Error></Errors></Response>", 403, XML)
