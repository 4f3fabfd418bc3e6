"""The account and where its computers come from: AWS connectors and computer groups."""

from __future__ import annotations

from reporter.sandbox.wp.call import Call, Route
from reporter.sandbox.wp.search import shuffled
from reporter.sandbox.wp.tenant import Object


def _account(call: Call) -> Object:
    return call.tenant.account


def _connectors(call: Call) -> Object:
    return {"awsConnectors": shuffled(call.tenant.aws_connectors.values(), call.knobs, "AWSConnector")}


def _groups(call: Call) -> Object:
    return {"computerGroups": shuffled(call.tenant.computer_groups.values(), call.knobs, "computerGroup")}


ROUTES = (
    Route("GET", "/accountdetails/current", _account),
    Route("GET", "/awsconnectors", _connectors),
    Route("GET", "/computergroups", _groups),
)
