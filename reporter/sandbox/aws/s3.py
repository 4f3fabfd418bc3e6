"""S3: buckets in pages, each with its region; a conditional write is one step, as with AWS: moto looks and writes in two."""

from __future__ import annotations

import functools
import threading
from typing import Any

from moto.core.responses import ActionResult
from moto.s3.responses import S3Response

from reporter.sandbox.aws.extend import Extension, Refused
from reporter.sandbox.aws.paging import page

MOST = 10_000


def all_buckets(response: Any) -> Any:
    """ListBuckets, which moto cuts off without saying so. Everything on one page unless MaxBuckets is given, as AWS does."""
    response.parse_parameters(response.normalized_request)
    response.data["Action"] = "ListBuckets"
    try:
        answer: object = bucket_page(response)
    except Refused as refusal:
        answer = refusal
    return response.serialized(ActionResult(answer))


def bucket_page(response: Any) -> dict[str, Any]:
    asked = response.params
    held = response.backend.list_buckets(prefix=asked.get("Prefix"), bucket_region=asked.get("BucketRegion"), max_buckets=None)
    held = sorted(held, key=lambda bucket: bucket.name)
    part, token = page(held, asked.get("ContinuationToken"), asked.get("MaxBuckets"), most=MOST, error="InvalidArgument")
    buckets = [{"Name": b.name, "CreationDate": b.creation_date_ISO8601, "BucketRegion": b.region_name} for b in part]
    return {"Owner": {"ID": "bcaf1ffd86f41161ca5fb16fd081034f"}, "Buckets": buckets, "ContinuationToken": token, "Prefix": asked.get("Prefix")}


def list_all_buckets() -> None:
    s3_response: Any = S3Response
    s3_response.all_buckets = all_buckets


def write_in_one_step() -> None:
    """One object at a time is looked for and written. https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html"""
    s3_response: Any = S3Response
    lock, two_steps = threading.Lock(), s3_response.put_object

    @functools.wraps(two_steps)
    def put_object(self: Any) -> Any:
        with lock:
            return two_steps(self)

    s3_response.put_object = put_object


def patch() -> None:
    list_all_buckets()
    write_in_one_step()


EXTENSION = Extension(service="s3", patch=patch)
