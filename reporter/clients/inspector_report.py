"""Inspector's report of findings: asked for, waited for, and read from the bucket that it lies in. The way for accounts that have too many to list.

Inspector writes `{"findings": [...]}` with the objects of ListFindings. The file is got in parts, each kept as received, and decoded in chunks, so
that no more than a part of it is held: a chunk ends where a finding does. AWS makes one report at a time in an account and region; one that is under
way already is waited for. Nothing in the bucket is deleted.
https://docs.aws.amazon.com/inspector/latest/user/findings-managing-exporting-reports.html
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from reporter.clients.aws_reader import AwsReader
from reporter.clients.inspector_findings import Finding
from reporter.core.answers import field
from reporter.core.clock import now as present
from reporter.core.errors import Unavailable
from reporter.core.export import ExportTo
from reporter.core.permission import By, Conditions, Permission, bucket, objects

PART = 32 << 20
"""bytes of the file that are got at once, and kept as one raw answer"""
TRIES = 3
"""how often a part is asked for that does not arrive whole"""
CHUNK = 1 << 20
FIRST_LOOK, LONGEST_LOOK = 2.0, 60.0
"""seconds between two looks at a report that is under way: twice as long each time, up to the second"""

_LIST = msgspec.json.Decoder(list[Finding])
_OPENING = re.compile(rb"\s*(?:(\{)\s*\"findings\"\s*:\s*)?\[")
_LONGEST_OPENING = 1024
_COMMA = re.compile(rb"\s*,")
_KEY = b'"findingArn"'
_TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*"|[{}\[\]]', re.DOTALL)
_WHAT = "inspector2 CreateFindingsReport"


def exported(reader: AwsReader, to: ExportTo, criteria: dict[str, Any]) -> Iterator[Finding]:
    """The findings that fit the criteria, from a report that is made now. Raises Denied, Unavailable."""
    prefix = f"{to.prefix}/{reader.account}/{reader.region}/{present():%Y%m%dT%H%M%SZ}"
    ends = time.monotonic() + to.patience
    _wait(reader, "", ends, to.patience)
    destination = {"bucketName": to.bucket, "keyPrefix": prefix, "kmsKeyArn": to.key_arn}
    made = reader.call("inspector2", "create_findings_report", filterCriteria=criteria, reportFormat="JSON", s3Destination=destination)
    ended = _wait(reader, field(made, "reportId", _WHAT), ends, to.patience)
    if ended.get("errorCode") == "NO_FINDINGS_FOUND":
        return
    if ended.get("status") != "SUCCEEDED":
        raise Unavailable(f"{_where(reader)}: {ended.get('status')}: {ended.get('errorCode', '')} {ended.get('errorMessage', '')}"[:400].rstrip())
    listed = reader.items("s3", "list_objects_v2", "Contents", optional=True, Bucket=to.bucket, Prefix=prefix)
    if not listed:
        raise Unavailable(f"{_where(reader)}: it succeeded, and nothing lies in s3://{to.bucket}/{prefix}")
    for entry in sorted(listed, key=lambda one: str(one["Key"])):
        try:
            yield from decoded(_parts(reader, to.bucket, entry))
        except msgspec.DecodeError as error:
            raise Unavailable(f"{_where(reader)}: broken report s3://{to.bucket}/{entry['Key']}: {error}"[:400]) from error


def decoded(parts: Iterable[bytes]) -> Iterator[Finding]:
    """The findings of a report that comes in parts. Raises msgspec.DecodeError where it is not whole, or not in Inspector's form."""
    rest, wrapped, first = b"", None, True
    for chunk in _chunks(parts):
        rest = b"".join((rest, chunk))
        if wrapped is None:
            opening = _OPENING.match(rest)
            if opening is None:
                if len(rest) > _LONGEST_OPENING:
                    break
                continue
            wrapped, rest = opening[1] is not None, rest[opening.end() :]
        end = _end_of_a_finding(rest)
        if end:
            yield from _several(rest, end, first=first)
            rest, first = rest[end:], False
    if wrapped is None:
        raise msgspec.DecodeError("it does not begin with a list of findings")
    rest = _unclosed(rest, wrapped=wrapped)
    yield from _several(rest, len(rest), first=first)


def _chunks(parts: Iterable[bytes]) -> Iterator[memoryview]:
    for part in parts:
        view = memoryview(part)
        for start in range(0, len(view), CHUNK):
            yield view[start : start + CHUNK]


def _several(text: bytes, end: int, *, first: bool) -> list[Finding]:
    """Findings with commas between them, and before them where they are not the first."""
    if not text or text.isspace():
        return []
    begins = 0
    if not first:
        comma = _COMMA.match(text)
        if comma is None:
            raise msgspec.DecodeError("no comma between two findings")
        begins = comma.end()
    return _LIST.decode(b"".join((b"[", memoryview(text)[begins:end], b"]")))


def _unclosed(rest: bytes, *, wrapped: bool) -> bytes:
    """What is left, without what closes the list."""
    rest = rest.rstrip()
    for closing in (b"}", b"]") if wrapped else (b"]",):
        if not rest.endswith(closing):
            raise msgspec.DecodeError("it is truncated")
        rest = rest[:-1].rstrip()
    return rest


def _end_of_a_finding(text: bytes) -> int:
    """Where a finding ends, near the end of a text that begins between two; 0: it is not to be seen yet.

    Every finding has its ARN once, as a key of its own. After the last but one of them, the finding that it belongs to ends at the bracket that
    closes more than was opened. A place that is wrong all the same leaves pieces that are no JSON.
    """
    last = text.rfind(_KEY)
    before = text.rfind(_KEY, 0, max(last, 0))
    if before < 0:
        return 0
    depth = 1
    for token in _TOKEN.finditer(text, before, last):
        depth += (token[0] in (b"{", b"[")) - (token[0] in (b"}", b"]"))
        if depth == 0:
            return token.end()
    return 0


def _parts(reader: AwsReader, name: str, entry: dict[str, Any]) -> Iterator[bytes]:
    """A file of the bucket, part by part; all of the version that was listed."""
    for start in range(0, int(entry["Size"]), PART):
        end = min(start + PART, int(entry["Size"])) - 1
        yield _part(reader, Bucket=name, Key=entry["Key"], Range=f"bytes={start}-{end}", IfMatch=entry["ETag"])


def _part(reader: AwsReader, **wanted: Any) -> bytes:
    for _ in range(TRIES - 1):
        try:
            return reader.content("s3", "get_object", content_type="application/json", **wanted)
        except Unavailable:
            continue
    return reader.content("s3", "get_object", content_type="application/json", **wanted)


def _wait(reader: AwsReader, report: str, ends: float, patience: float) -> dict[str, Any]:
    """What became of a report; of the last one that was asked for, where none is named: {} where there never was one. Raises Unavailable."""
    named, pause = ({"reportId": report} if report else {}), FIRST_LOOK
    while True:
        never = () if report else ("ResourceNotFoundException", "ValidationException")
        found = reader.call("inspector2", "get_findings_report_status", absent=never, **named)
        if found.get("status") != "IN_PROGRESS":
            return found
        if time.monotonic() + pause > ends:
            other = "" if report else "another report is under way, and AWS makes one at a time: "
            raise Unavailable(f"{_where(reader)}: {other}not done within {patience:.0f} s")
        time.sleep(pause)
        pause = min(pause * 2, LONGEST_LOOK)


def _where(reader: AwsReader) -> str:
    return f"inspector2:CreateFindingsReport in {reader.account} {reader.region}"


def _used(schedule: Any) -> tuple[str, ...]:
    return ("*",) if schedule.aws.inspector_export else ()


def _urls(schedule: Any) -> list[str]:
    return sorted({f"s3://{one.bucket}/{one.prefix}" for one in schedule.aws.inspector_export.values()})


def _files(schedule: Any) -> tuple[str, ...]:
    return tuple(arn for url in _urls(schedule) for arn in objects(url, schedule))


def _buckets(schedule: Any) -> tuple[str, ...]:
    return tuple(dict.fromkeys(arn for url in _urls(schedule) for arn in bucket(url, schedule)))


def _below(schedule: Any) -> Conditions:
    return {"StringLike": {"s3:prefix": tuple(sorted({f"{one.prefix}/*" for one in schedule.aws.inspector_export.values()}))}}


def _keys(schedule: Any) -> tuple[str, ...]:
    return tuple(sorted({one.key_arn for one in schedule.aws.inspector_export.values()}))


PERMISSIONS = (
    Permission(By.READ, "InspectorReports", ("inspector2:CreateFindingsReport", "inspector2:GetFindingsReportStatus"), _used),
    Permission(By.READ, "InspectorReportFiles", ("s3:GetObject",), _files),
    Permission(By.READ, "InspectorReportsListed", ("s3:ListBucket",), _buckets, _below),
    Permission(By.READ, "InspectorReportKeys", ("kms:Decrypt",), _keys, implied=True),
)
