"""The wanted part of a large answer is what botocore's own parser says of it, and what is not whole is no answer."""

from __future__ import annotations

import json
from functools import cache
from typing import Any
from xml.sax.saxutils import escape

import pytest
from botocore.model import ListShape, OperationModel, Shape, StructureShape
from botocore.parsers import create_parser
from botocore.session import Session
from hypothesis import given
from hypothesis import strategies as st

from reporter.clients.aws_parsing import BrokenPage, StrictParserFactory
from reporter.clients.aws_wanted import WANTED
from reporter.clients.wanted import Wanted
from tests.examples import examples

SESSION = Session()
OPERATIONS = sorted(WANTED)
TEXT = st.text(st.characters(exclude_categories=("Cs", "Cc", "Cn")), max_size=8)
ISO = st.datetimes().map(lambda instant: instant.isoformat(timespec="milliseconds").zfill(23) + "Z")
EPOCH = st.floats(0, 4e9).map(lambda seconds: round(seconds, 3)) | st.integers(0, 2**31)


@cache
def model(operation: tuple[str, str]) -> OperationModel:
    return SESSION.get_service_model(operation[0]).operation_model(operation[1])


def output(operation: tuple[str, str]) -> StructureShape:
    shape = model(operation).output_shape
    assert isinstance(shape, StructureShape)
    return shape


def protocol(operation: tuple[str, str]) -> str:
    return str(model(operation).service_model.protocol)


def values(shape: Shape, wanted: Wanted, as_json: bool) -> st.SearchStrategy[Any]:
    """Values on the wire: dictionaries by its names; members that nobody wants, and such as no model knows, among them."""
    if isinstance(shape, StructureShape):
        members: dict[str, st.SearchStrategy[Any]] = {}
        for name in wanted or shape.members:
            member = shape.members[name]
            value = values(member, wanted.get(name, {}), as_json)
            members[member.serialization.get("name", name)] = st.none() | value if as_json else value
        others = [name for name, member in shape.members.items() if wanted and name not in wanted and member.type_name == "string"]
        unwanted = {shape.members[name].serialization.get("name", name): TEXT for name in others[:2]}
        return st.fixed_dictionaries({}, optional={**members, **unwanted, "somethingNew": TEXT})
    if isinstance(shape, ListShape):
        return st.lists(values(shape.member, wanted, as_json), max_size=2)
    if shape.type_name == "timestamp":
        return EPOCH | ISO if as_json else ISO
    numbers = dict.fromkeys(("integer", "long"), st.integers(-5, 2**40)) | dict.fromkeys(("float", "double"), st.floats(-9, 9) | st.integers(0, 9))
    return {"boolean": st.booleans(), **numbers}.get(shape.type_name, TEXT)


def xml(shape: Shape | None, value: Any) -> str:
    if isinstance(value, dict):
        members = (
            {member.serialization.get("name", name): member for name, member in shape.members.items()} if isinstance(shape, StructureShape) else {}
        )
        return "".join(f"<{name}>{xml(members.get(name), part)}</{name}>" for name, part in value.items())
    if isinstance(value, list):
        assert isinstance(shape, ListShape)
        tag = shape.member.serialization.get("name", "member")
        return "".join(f"<{tag}>{xml(shape.member, part)}</{tag}>" for part in value)
    return escape(str(value).lower() if isinstance(value, bool) else str(value))


def document(operation: tuple[str, str], value: Any) -> bytes:
    if "json" in protocol(operation):
        return json.dumps(value).encode()
    shape, name = output(operation), f"{operation[1]}Response"
    wrapper = shape.serialization.get("resultWrapper")
    inside = xml(shape, value)
    inside = f"<{wrapper}>{inside}</{wrapper}>" if wrapper else inside
    return f'<{name} xmlns="http://ec2.amazonaws.com/doc/2016-11-15/">{inside}<requestId>1</requestId></{name}>'.encode()


def response(operation: tuple[str, str], body: bytes) -> dict[str, Any]:
    return {"body": body, "headers": {}, "status_code": 200, "context": {"service": operation[0], "operation_name": operation[1]}}


def ours(operation: tuple[str, str], body: bytes) -> dict[str, Any]:
    answer: dict[str, Any] = StrictParserFactory().create_parser(protocol(operation)).parse(response(operation, body), output(operation))
    del answer["ResponseMetadata"]
    return answer


def botocores(operation: tuple[str, str], body: bytes) -> dict[str, Any]:
    answer: dict[str, Any] = create_parser(protocol(operation)).parse(response(operation, body), output(operation))
    del answer["ResponseMetadata"]
    return answer


def narrowed(value: Any, wanted: Wanted) -> Any:
    if isinstance(value, list):
        return [narrowed(element, wanted) for element in value]
    if isinstance(value, dict):
        return {name: narrowed(part, wanted.get(name, {})) for name, part in value.items() if not wanted or name in wanted}
    return value


@pytest.mark.parametrize("operation", OPERATIONS, ids=":".join)
@given(data=st.data())
@examples(8)
def test_the_wanted_part_equals_boto3s_own_parse(operation: tuple[str, str], data: st.DataObject) -> None:
    body = document(operation, data.draw(values(output(operation), WANTED[operation], "json" in protocol(operation))))
    assert ours(operation, body) == narrowed(botocores(operation, body), WANTED[operation])


@pytest.mark.parametrize("operation", OPERATIONS, ids=":".join)
def test_what_ends_early_is_no_answer(operation: tuple[str, str]) -> None:
    body = document(operation, full(output(operation), WANTED[operation]))
    assert ours(operation, body) == narrowed(botocores(operation, body), WANTED[operation])
    for end in range(0, len(body), max(len(body) // 40, 1)):
        with pytest.raises(BrokenPage):
            ours(operation, body[:end])


def full(shape: Shape, wanted: Wanted) -> Any:
    """One value of everything that is wanted."""
    if isinstance(shape, StructureShape):
        found = {name: full(shape.members[name], wanted.get(name, {})) for name in wanted or shape.members}
        return {shape.members[name].serialization.get("name", name): value for name, value in found.items()}
    if isinstance(shape, ListShape):
        return [full(shape.member, wanted)] * 2
    return {"timestamp": "2026-03-01T08:15:00.123Z", "boolean": True, "string": "a & b"}.get(shape.type_name, 7)


INSTANCES = ("ec2", "DescribeInstances")


def instances(inside: str, before: str = "") -> bytes:
    item = f"<reservationSet><item><instancesSet><item>{inside}</item></instancesSet></item></reservationSet>"
    return f'{before}<DescribeInstancesResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/">{item}</DescribeInstancesResponse>'.encode()


@pytest.mark.parametrize(
    "inside",
    [
        "<instanceId>i-<!-- a note -->1</instanceId>",
        "<instanceId><![CDATA[i-<1>]]>&amp;&#233;</instanceId><tagSet/>",
        "<instanceId><?pi?> i-1\n</instanceId>\n<tagSet>\n <item><key/><value>v</value></item>\n</tagSet>",
        "<instanceId>i-1</instanceId><launchTime>2026-03-01T08:15:00+02:00</launchTime>",
        "<instanceState/><iamInstanceProfile></iamInstanceProfile>",
        "<o:instanceId xmlns:o='urn:other'>i-1</o:instanceId>",
        f"<instanceId>{'i' * 11_000_000}</instanceId>",
    ],
    ids=["comment", "cdata", "space", "offset", "empty", "namespace", "long"],
)
def test_xml_in_its_other_forms_is_read_as_boto3_reads_it(inside: str) -> None:
    body = instances(inside, '<?xml version="1.0" encoding="UTF-8"?>\n')
    assert ours(INSTANCES, body) == narrowed(botocores(INSTANCES, body), WANTED[INSTANCES])


@pytest.mark.parametrize(
    "body",
    [
        instances("<instanceId>&a;</instanceId>", '<!DOCTYPE a [<!ENTITY a "i-1">]>'),
        instances("<instanceId>&a;</instanceId>", '<?xml version="1.0"?><!DOCTYPE a [<!ENTITY a SYSTEM "file:///etc/passwd">]>'),
        instances("<instanceId>&a;</instanceId>"),
        instances("<instanceId>i-1</instanceId>").decode().encode("utf-16"),
        instances("<instanceId>i-1</instanceId>") + b"<more/>",
        instances("<launchTime>yesterday or so</launchTime>"),
        instances("<instanceId>\xe9</instanceId>").decode().encode("latin-1"),
    ],
    ids=["entity", "external", "undeclared", "utf-16", "two roots", "no instant", "latin-1"],
)
def test_xml_that_no_service_sends_is_a_broken_page(body: bytes) -> None:
    with pytest.raises(BrokenPage):
        ours(INSTANCES, body)


def test_what_is_not_as_modelled_is_left_to_boto3s_parser() -> None:
    findings = ("guardduty", "GetFindings")
    body = b'{"findings": [{"id": 7, "severity": "8", "title": "t", "region": "r"}]}'
    assert ours(findings, body) == botocores(findings, body) != narrowed(botocores(findings, body), WANTED[findings])
