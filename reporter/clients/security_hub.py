"""Security Hub of one account and region: takes findings in, and sets the workflow of those that were accepted.

A finding's enumerations and size are checked before it is sent, because botocore knows them and does not compare them. One bad finding makes its
whole call invalid: it is found by halving. Importing a finding again updates it.
https://docs.aws.amazon.com/securityhub/latest/userguide/finding-update-batchimportfindings.html
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import Any, TypeAlias

from botocore.exceptions import BotoCoreError, ClientError, ParamValidationError

from reporter.clients.aws_errors import error_code, error_message, from_answer, from_the_way
from reporter.clients.aws_parsing import BrokenPage
from reporter.core.errors import NotEnabled, Unavailable
from reporter.core.permission import By, Permission, partition

Finding: TypeAlias = Mapping[str, Any]

MOST_FINDINGS = 100
MOST_BYTES = 5 << 20
"""of one call: 6 MB are allowed"""
LONGEST_FINDING = 240 << 10
PAUSES = (1.0, 5.0, 20.0)
"""seconds before each further try of findings that Security Hub did not take for the moment"""
FINAL = ("InvalidInput", "FindingSizeExceeded", "DuplicatedFindingIdentifier")
"""codes (their beginnings) of what is not taken however often it is tried"""


@dataclass(frozen=True)
class Refusal:
    """A finding that was not taken, and why."""

    id: str
    code: str
    message: str


@dataclass(frozen=True)
class SecurityHub:
    """`client`: boto3's Security Hub client, as the account itself; `where`: account and region, for messages."""

    client: Any = field(repr=False)
    where: str
    sleep: Callable[[float], None] = time.sleep

    def send(self, findings: Sequence[Finding]) -> list[Refusal]:
        """Create or update. Returns those that were not taken. Raises NotEnabled, Denied, Unavailable: then some may have been taken."""
        good, refused = [], []
        for finding in findings:
            if flaws := self.flaws(finding):
                refused.append(Refusal(str(finding.get("Id", "")), "NotSent", "; ".join(flaws)[:300]))
            else:
                good.append(finding)
        for batch in batches(good):
            refused += self._patiently(batch, self._import, lambda finding: str(finding["Id"]))
        return refused

    def set_workflow(self, findings: Sequence[Finding], status: str, note: str, by: str) -> list[Refusal]:
        """Set workflow and note of findings that are there. Returns those that were not found or not changed. Raises as send."""
        named = [{"Id": finding["Id"], "ProductArn": finding["ProductArn"]} for finding in findings]
        refused: list[Refusal] = []
        for start in range(0, len(named), MOST_FINDINGS):
            update = lambda some: self._update(some, status, note, by)  # noqa: E731
            refused += self._patiently(named[start : start + MOST_FINDINGS], update, lambda one: str(one["Id"]))
        return refused

    def flaws(self, finding: Finding) -> list[str]:
        """What Security Hub would not take and botocore would send: a value that its enumeration lacks, too many bytes."""
        size = len(json.dumps(finding).encode())
        said = [f"{size} bytes, {LONGEST_FINDING} at most"] if size > LONGEST_FINDING else []
        return said + list(_odd(_form(self.client.meta.service_model), finding, ""))

    def _patiently(self, some: Sequence[Any], ask: Callable[[Sequence[Any]], list[Refusal]], name: Callable[[Any], str]) -> list[Refusal]:
        """Ask, and ask again for what was not taken for the moment."""
        refused = ask(some)
        for pause in PAUSES:
            again = {refusal.id for refusal in refused if not refusal.code.startswith(FINAL)}
            if not again:
                break
            self.sleep(pause)
            refused = [refusal for refusal in refused if refusal.id not in again] + ask([one for one in some if name(one) in again])
        return refused

    def _import(self, findings: Sequence[Finding]) -> list[Refusal]:
        try:
            with self._explained("BatchImportFindings"):
                answer = self.client.batch_import_findings(Findings=list(findings))
        except _Invalid as invalid:
            if len(findings) == 1:
                return [Refusal(str(findings[0]["Id"]), "InvalidInput", invalid.message)]
            half = len(findings) // 2  # one of them spoils the call: find it
            return self._import(findings[:half]) + self._import(findings[half:])
        return [Refusal(one["Id"], one["ErrorCode"], one["ErrorMessage"][:300]) for one in answer.get("FailedFindings", [])]

    def _update(self, named: Sequence[Mapping[str, str]], status: str, note: str, by: str) -> list[Refusal]:
        try:
            with self._explained("BatchUpdateFindings"):
                answer = self.client.batch_update_findings(
                    FindingIdentifiers=list(named), Workflow={"Status": status}, Note={"Text": note, "UpdatedBy": by}
                )
        except _Invalid as invalid:
            return [Refusal(one["Id"], "InvalidInput", invalid.message) for one in named]
        return [Refusal(one["FindingIdentifier"]["Id"], one["ErrorCode"], one["ErrorMessage"][:300]) for one in answer["UnprocessedFindings"]]

    @contextmanager
    def _explained(self, operation: str) -> Iterator[None]:
        where = f"securityhub:{operation} in {self.where}"
        try:
            yield
        except ClientError as error:
            if error_code(error) == "InvalidAccessException":
                raise NotEnabled(f"Security Hub is off in {self.where}: {error_message(error)[:300]}") from error
            if error_code(error) == "InvalidInputException":
                raise _Invalid(" ".join(error_message(error).split())[:300]) from error
            raise from_answer(error, where=where, service="securityhub", operation=operation) from error
        except ParamValidationError as error:
            raise _Invalid(" ".join(str(error).split())[:300]) from error
        except BotoCoreError as error:
            raise from_the_way(error, where=where) from error
        except (BrokenPage, KeyError) as error:
            raise Unavailable(f"{where}: broken answer ({error})") from error


class _Invalid(Exception):
    """The call as a whole was refused for what stands in it."""

    def __init__(self, message: str) -> None:
        self.message = message
        super().__init__(message)


def batches(findings: Sequence[Finding]) -> Iterator[list[Finding]]:
    """In their order, each small enough for one call."""
    batch: list[Finding] = []
    room = MOST_BYTES
    for finding in findings:
        size = len(json.dumps(finding).encode()) + 2
        if batch and (len(batch) == MOST_FINDINGS or size > room):
            yield batch
            batch, room = [], MOST_BYTES
        batch.append(finding)
        room -= size
    if batch:
        yield batch


@cache
def _form(model: Any) -> Any:
    """botocore's shape of a finding; made once, because it is made of hundreds."""
    return model.shape_for("AwsSecurityFinding")


def _odd(shape: Any, value: Any, path: str) -> Iterator[str]:
    """Values that are none of their enumeration's. What is of another type than its shape is botocore's to refuse."""
    if shape.type_name == "structure" and isinstance(value, Mapping):
        for name, given in value.items():
            if name in shape.members:
                yield from _odd(shape.members[name], given, f"{path}.{name}" if path else name)
    elif shape.type_name == "list" and isinstance(value, list):
        for place, given in enumerate(value):
            yield from _odd(shape.member, given, f"{path}[{place}]")
    elif shape.type_name == "string" and shape.enum and value not in shape.enum:
        yield f"{path}: {value!r} is none of {', '.join(shape.enum)}"


def _product(schedule: Any) -> tuple[str, ...]:
    return (f"arn:{partition(schedule)}:securityhub:*:*:product/*/default",) if schedule.deliver.security_hub else ()


def _hub(schedule: Any) -> tuple[str, ...]:
    return (f"arn:{partition(schedule)}:securityhub:*:*:hub/default",) if schedule.deliver.security_hub else ()


PERMISSIONS = (
    Permission(By.READ, "SendFindings", ("securityhub:BatchImportFindings",), _product),
    Permission(By.READ, "MarkAcceptedFindings", ("securityhub:BatchUpdateFindings",), _hub),
    Permission(By.READ, "LookAtHubs", ("securityhub:DescribeHub",), _hub),
)
"""with an account's own role: what a run publishes is not a change of it; hubs are looked at by `reporter check` alone"""
