"""What botocore lacks between the wire and its parsers: a successful answer must be whole, and its raw bytes stay at hand.

botocore reads a truncated or broken JSON body with status 200 as an empty page, and an HTML page as an empty XML answer. Here both are
BrokenPage. Signing, endpoints, retries, paginators and the parsing of errors stay botocore's.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import msgspec
from botocore.model import OperationModel, StructureShape
from botocore.parsers import ResponseParserError, ResponseParserFactory
from botocore.session import Session

from reporter.clients.aws_json import json_decoder
from reporter.clients.aws_shapes import Unusual
from reporter.clients.aws_wanted import WANTED
from reporter.clients.aws_xml import xml_decoder
from reporter.clients.inspector_findings import decode_findings

RAW = "RawAnswer"
"""Key of an answer under which its (body, content type) lie until the reader takes them."""

DECODERS: dict[tuple[str, str], Callable[[bytes], dict[str, Any]]] = {
    ("inspector2", "ListFindings"): decode_findings,
}
"""(service, operation) -> typed decoder of a successful body, instead of botocore's parser. What it does not know is a broken page."""

_NARROW: dict[tuple[str, str], Callable[[bytes], dict[str, Any]]] = {}
_OBJECT = msgspec.json.Decoder(dict[str, msgspec.Raw])
_ROOT = re.compile(rb"\s*(?:<\?xml[^>]*\?>)?\s*(?:<!--.*?-->\s*)*<(?:[\w.-]+:)?([\w.-]+)", re.DOTALL)
_OPENINGS = {"list": b"[", "structure": b"{", "map": b"{"}
_SLOW_DOWN = re.compile(rb"Throttl|TooManyRequests|RequestLimitExceeded|SlowDown|BandwidthLimitExceeded|PriorRequestNotComplete")
_ELSEWHERE = ("header", "headers", "statusCode")


class BrokenPage(Exception):
    """An answer with a status of success that is not whole, or not in the protocol's form."""


class StrictParserFactory(ResponseParserFactory):
    """botocore's parsers, each behind a check that the body is whole."""

    def create_parser(self, protocol_name: str) -> Any:
        return StrictParser(super().create_parser(protocol_name), protocol_name)


class StrictParser:
    """One of botocore's parsers behind a check. Raises BrokenPage."""

    def __init__(self, parser: Any, protocol: str) -> None:
        self._parser, self._protocol = parser, protocol

    def parse(self, response: Mapping[str, Any], shape: Any) -> Any:
        body = response["body"]
        if response["status_code"] >= 300 or not isinstance(body, bytes):  # errors are botocore's; streams are not pages
            return self._botocores(response, shape)
        operation = (response["context"].get("service", ""), response["context"]["operation_name"])
        try:
            decode = DECODERS.get(operation)
            if decode is not None:
                _check_length(body, response["headers"])
                return {**decode(body), "ResponseMetadata": _metadata(response)}
            if _carries_document(shape):
                _check_length(body, response["headers"])
                narrowed = self._narrowed(body, shape, operation)
                if narrowed is not None:
                    return {**narrowed, "ResponseMetadata": _metadata(response)}
                self._check(body, shape, operation[1])
            elif "json" in self._protocol and _is_page(body, shape):
                raise BrokenPage("a web page")
            parsed = self._parser.parse(response, shape)
        except (ResponseParserError, msgspec.DecodeError, LookupError, TypeError, ValueError, AttributeError) as error:
            raise BrokenPage(f"{type(error).__name__}: {error}"[:200]) from error
        if not isinstance(parsed, dict):
            raise BrokenPage("an answer that holds nothing")
        return parsed

    def _narrowed(self, body: bytes, shape: Any, operation: tuple[str, str]) -> dict[str, Any] | None:
        """The wanted part of a large answer; None where all of it is wanted, or where it is not as its model says: that is botocore's to judge."""
        wanted = WANTED.get(operation)
        if wanted is None:
            return None
        as_json = "json" in self._protocol
        decode = _NARROW.get(operation)
        if decode is None:
            decode = _NARROW[operation] = (json_decoder if as_json else xml_decoder)(shape, wanted)
        if not as_json:
            self._check(body, shape, operation[1])
        try:
            return decode(body)
        except (Unusual, msgspec.DecodeError, LookupError, TypeError, ValueError, AttributeError, RecursionError):
            return None

    def _botocores(self, response: Mapping[str, Any], shape: Any) -> Any:
        try:
            return self._parser.parse(response, shape)
        except (ResponseParserError, LookupError, TypeError, ValueError, AttributeError) as error:  # a web page where XML belongs, or no text at all
            raise BrokenPage(f"status {response['status_code']}, and no answer of AWS") from error

    def _check(self, body: bytes, shape: Any, operation: str) -> None:
        if not body.strip():
            raise BrokenPage("an empty body where a document belongs")
        if "json" in self._protocol:
            _check_members(_OBJECT.decode(body), shape)
        elif self._protocol in ("query", "ec2", "rest-xml"):
            match = _ROOT.match(body)
            root = match[1].decode("ascii", "replace") if match else ""
            expected = root.lower() not in ("", "html") if self._protocol == "rest-xml" else root == f"{operation}Response"
            if not expected:
                raise BrokenPage(f"the document's root is {root or 'missing'}")


def _check_length(body: bytes, headers: Mapping[str, str]) -> None:
    """botocore takes what came before the connection ended for all there is."""
    announced = headers.get("content-length")
    if announced is not None and announced.isdigit() and int(announced) != len(body):
        raise BrokenPage(f"{len(body)} bytes of {announced}")


def _check_members(members: Mapping[str, msgspec.Raw], shape: StructureShape) -> None:
    """botocore reads an object, or a text, in the place of a list as that list's elements: {} would be an empty page."""
    payload = shape.serialization.get("payload")
    inner = shape.members[payload] if payload is not None else shape
    for name, member in inner.members.items() if isinstance(inner, StructureShape) else ():
        expected = _OPENINGS.get(member.type_name)
        raw = members.get(member.serialization.get("name", name))
        if expected is None or raw is None:
            continue
        opening = bytes(memoryview(raw)[:1])
        if opening not in (expected, b"n"):  # null is as good as absent
            raise BrokenPage(f"{name} is no {member.type_name}")


def _carries_document(shape: Any) -> bool:
    """True where the operation's answer has members in its body that are a document, not free text."""
    if not isinstance(shape, StructureShape):
        return False
    payload = shape.serialization.get("payload")
    if payload is not None:
        return shape.members[payload].type_name not in ("string", "blob")
    return any(member.serialization.get("location") not in _ELSEWHERE for member in shape.members.values())


def _is_page(body: bytes, shape: Any) -> bool:
    """A page of a proxy where an answer without content belongs: what was asked for was not done."""
    free_text = isinstance(shape, StructureShape) and shape.serialization.get("payload") is not None
    return body.lstrip()[:1] == b"<" and not free_text


def _metadata(response: Mapping[str, Any]) -> dict[str, Any]:
    headers = {name.lower(): value for name, value in response["headers"].items()}
    metadata: dict[str, Any] = {"HTTPStatusCode": response["status_code"], "HTTPHeaders": headers}
    if "x-amzn-requestid" in headers:
        metadata["RequestId"] = headers["x-amzn-requestid"]
    return metadata


class _Sent(threading.local):
    """How often this thread's present call has been sent, how often the answer was "slow down", and the head of its last answer: answers tell,
    but errors on the way do not."""

    attempts: int = 0
    status: int | None = None
    headers: Mapping[str, str] = MappingProxyType({})
    throttled: int = 0

    def begin(self) -> None:
        self.attempts, self.status, self.headers, self.throttled = 0, None, MappingProxyType({}), 0

    def again(self, attempt: int) -> None:
        """It is sent once more."""
        throttled = self.throttled if attempt > 1 else 0
        self.begin()
        self.attempts, self.throttled = attempt, throttled

    def kept(self) -> tuple[int, int | None, Mapping[str, str], int]:
        return self.attempts, self.status, self.headers, self.throttled

    def back_to(self, kept: tuple[int, int | None, Mapping[str, str], int]) -> None:
        self.attempts, self.status, self.headers, self.throttled = kept


SENT = _Sent()


def be_strict(session: Session) -> None:
    """Make every client that this botocore session will create parse strictly, leave (body, content type) under RAW and count in SENT."""
    session.register_component("response_parser_factory", StrictParserFactory())
    session.register("before-parse", _keep_raw)  # type: ignore[arg-type]  # botocore passes keywords
    session.register("request-created", _count_attempt)  # type: ignore[arg-type]


def _count_attempt(request: Any, **_: Any) -> None:
    SENT.again(request.context["retries"]["attempt"])


def _keep_raw(operation_model: OperationModel, response_dict: dict[str, Any], customized_response_dict: dict[str, Any], **_: Any) -> None:
    SENT.status, SENT.headers = response_dict["status_code"], response_dict["headers"]
    response_dict["context"]["service"] = operation_model.service_model.service_name
    body = response_dict["body"]
    if response_dict["status_code"] == 429 or (response_dict["status_code"] in (400, 503) and isinstance(body, bytes) and _SLOW_DOWN.search(body)):
        SENT.throttled += 1
    if response_dict["status_code"] < 300 and isinstance(body, bytes):
        customized_response_dict[RAW] = (body, str(response_dict["headers"].get("content-type", "")))
