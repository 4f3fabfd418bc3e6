"""A bucket for files that are too large for a mail: put there encrypted, and reached through a link that ends.

A link is signed with the job's own credentials: who has it can read that one file until it ends. Temporary credentials (of a role) end it sooner.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from reporter.clients.aws import HOME_REGION
from reporter.clients.aws_errors import error_code, from_answer, from_the_way
from reporter.clients.aws_parsing import BrokenPage
from reporter.clients.aws_sessions import new_session
from reporter.core.errors import NotEnabled, Unavailable
from reporter.core.permission import By, Permission, bucket, objects

_TYPES = {".html": "text/html; charset=utf-8", ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"}


@dataclass(frozen=True)
class Links:
    """Where files are put, and for how long a link to one holds."""

    bucket: str
    prefix: str
    valid: timedelta

    @classmethod
    def at(cls, url: str, hours: int) -> Links:
        """`url`: s3://bucket/prefix."""
        bucket, _, prefix = url.removeprefix("s3://").partition("/")
        return cls(bucket, prefix.strip("/"), timedelta(hours=hours))

    def look(self) -> str:
        """The region of the bucket. Raises Denied, NotEnabled, Unavailable."""
        with self._explained("HeadBucket"):
            answer = _client(HOME_REGION).head_bucket(Bucket=self.bucket)
        return str(answer.get("BucketRegion") or HOME_REGION)

    def put(self, name: str, data: bytes) -> str:
        """Store a file under the prefix, over what has its name; a link to it. Raises Denied, NotEnabled, Unavailable."""
        key = f"{self.prefix}/{name}" if self.prefix else name
        kind = next((kind for ending, kind in _TYPES.items() if name.endswith(ending)), "application/octet-stream")
        client = _client(self.look())  # a link holds at the bucket's own region only
        with self._explained("PutObject"):
            client.put_object(
                Bucket=self.bucket,
                Key=key,
                Body=data,
                ContentType=kind,
                ContentDisposition=f'attachment; filename="{name.rpartition("/")[2]}"',
                ServerSideEncryption="AES256",
            )
            wanted = {"Bucket": self.bucket, "Key": key}
            return str(client.generate_presigned_url("get_object", Params=wanted, ExpiresIn=int(self.valid.total_seconds())))

    @contextmanager
    def _explained(self, operation: str) -> Iterator[None]:
        where = f"s3:{operation} at s3://{self.bucket}"
        try:
            yield
        except ClientError as error:
            if error_code(error) in ("404", "NoSuchBucket"):
                raise NotEnabled(f"{where}: there is no such bucket") from error
            raise from_answer(error, where=where, service="s3", operation=operation) from error
        except BotoCoreError as error:
            raise from_the_way(error, where=where) from error
        except BrokenPage as error:
            raise Unavailable(f"{where}: broken answer: {error}"[:300]) from error


def _client(region: str) -> Any:
    config = Config(
        signature_version="s3v4", s3={"addressing_style": "virtual"}, retries={"mode": "standard"}, user_agent_extra="workload-compliance-reporter"
    )  # virtual: the link names the region, not the global endpoint that redirects
    return new_session().client("s3", region_name=region, config=config)


def _url(schedule: Any) -> str:
    return str(schedule.deliver.email.link_bucket) if schedule.deliver.email else ""


PERMISSIONS = (
    Permission(By.JOB, "BucketOfLinks", ("s3:ListBucket",), lambda schedule: bucket(_url(schedule), schedule)),
    Permission(By.JOB, "LinkedFiles", ("s3:GetObject", "s3:PutObject"), lambda schedule: objects(_url(schedule), schedule)),
)
