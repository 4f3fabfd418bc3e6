"""The trace page of a sampled instance: what the reporter says of it, where the consoles show it, how to read it again, what was received.

Plain text. What comes from the world is made legible, each line of it is indented, and it is quoted where it stands in a command.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol
from urllib.parse import urlsplit

from reporter.core.text import legible
from reporter.evidence.mentions import Mentions

_SEARCHED = ("ec2VirtualMachineSummary/instanceID", "noConnectorVirtualMachineSummary/instanceID")
"""where WP keeps the instance id: of a computer that its AWS connector found, and of one that only its agent reported"""


class Traced(Protocol):
    """One drawn instance."""

    @property
    def rank(self) -> int: ...
    @property
    def digest(self) -> str: ...
    @property
    def id(self) -> str: ...
    @property
    def row(self) -> Mapping[str, str]: ...
    @property
    def results(self) -> Sequence[Mapping[str, str]]: ...
    @property
    def mentions(self) -> Mentions: ...


class Drawn(Protocol):
    """The sample that it belongs to."""

    @property
    def seal(self) -> Mapping[str, str]: ...
    @property
    def seal_sha256(self) -> str: ...
    @property
    def seed(self) -> str: ...
    @property
    def said(self) -> Mapping[str, Any]: ...


def page(sample: Drawn, item: Traced) -> str:
    """One page."""
    return "\n".join(legible(line).rstrip() for line in _lines(sample, item)) + "\n"


def _lines(sample: Drawn, item: Traced) -> Iterator[str]:
    row = item.row
    yield f"{row['instance_id']}, account {row['account']}, region {row['region']}"
    yield f"Number {item.rank} of the sample with seed {sample.seed} from run {sample.seal['run_id']} (seal {sample.seal_sha256})"
    yield f"sha256({sample.seed}:{item.id}) = {item.digest}"
    if override := sample.said.get("endpoint_override"):
        yield f"NOT AWS: the calls of this run went to {override}"
    yield from ("", "WHAT THE REPORTER SAYS OF IT", "", "instances.csv")
    yield from (f"    {name}: {value}" for name, value in row.items())
    yield from ("", f"results.csv ({len(item.results)})")
    for result in item.results:
        yield f"    {result['check_id']}: {result['status']}"
        yield from (f"        {name}: {value}" for name, value in result.items() if value and name not in ("check_id", "status", *_PLACE))
    yield from ("", "WHERE THE CONSOLES SHOW IT", "")
    yield f"    AWS, account {row['account']}, region {row['region']}: EC2 > Instances > search for {row['instance_id']}"
    computer = f" (computer {row['computer_id']})" if row.get("computer_id") else ""
    yield f"    Workload Protection: Computers > search for {row['instance_id']} > Details{computer}"
    yield from ("", "HOW TO READ IT AGAIN", "", f"With credentials of account {row['account']}:", "")
    yield from (f"    {command}" for command in aws_commands(row))
    yield from ("", "With a key of the tenant in WP_API_KEY:", "")
    yield from (f"    {command}" for command in wp_commands(row, sample.said))
    yield from ("", "WHAT WAS RECEIVED", "")
    yield from _received(row["instance_id"], item.mentions)


_PLACE = ("account", "region", "resource")


def aws_commands(row: Mapping[str, str]) -> list[str]:
    """AWS CLI: the instance, and the findings on it."""
    name, region = row["instance_id"], f"--region {shlex.quote(row['region'])}"
    inspector = json.dumps({"resourceId": [{"comparison": "EQUALS", "value": name}]})
    guardduty = json.dumps({"Criterion": {"resource.instanceDetails.instanceId": {"Eq": [name]}}})
    detector = f'"$(aws guardduty list-detectors {region} --query DetectorIds[0] --output text)"'
    return [
        f"aws ec2 describe-instances {region} --instance-ids {shlex.quote(name)}",
        f"aws inspector2 list-findings {region} --filter-criteria {shlex.quote(inspector)}",
        f"aws guardduty list-findings {region} --detector-id {detector} --finding-criteria {shlex.quote(guardduty)}",
    ]


def wp_commands(row: Mapping[str, str], said: Mapping[str, Any]) -> list[str]:
    """curl: the computers that stand for the instance, in each tenant of the run."""
    schedule = said.get("schedule")
    tenants = schedule.get("workload_protection") if isinstance(schedule, Mapping) else None
    return [command for tenant in tenants or () if isinstance(tenant, Mapping) for command in _wp(row, tenant)]


def _wp(row: Mapping[str, str], tenant: Mapping[str, Any]) -> Iterator[str]:
    url = str(tenant.get("url", ""))
    if urlsplit(url).scheme not in ("http", "https"):
        return
    header = "api-secret-key: $WP_API_KEY" if tenant.get("auth") == "api-secret-key" else "Authorization: ApiKey $WP_API_KEY"
    head = f'curl -sS -H "api-version: v1" -H "{header}"'
    for name in _SEARCHED:
        test = {"fieldName": name, "stringTest": "equal", "stringValue": row["instance_id"], "stringWildcards": False}
        body = shlex.quote(json.dumps({"searchCriteria": [test]}))
        yield f'{head} -H "Content-Type: application/json" {shlex.quote(f"{url}/computers/search?expand=all")} -d {body}'


def _received(name: str, seen: Mentions) -> Iterator[str]:
    if not seen.files:
        yield f"    No answer below raw/ names {name}. A run of kind judge, apply or undo has none: acts_on in run.json names the run that has."
    for mention in seen.files:
        yield f"{mention.file}   named {mention.places} times   SHA-256 {mention.sha256}"
        yield f"    zstd -dcq {shlex.quote(mention.file)} | tr '{{<' '\\n\\n' | grep -F -i -C 40 -e {shlex.quote(name)}"
        for text in mention.texts:
            yield ""
            yield from (f"    | {line}" for line in text.splitlines())
        yield ""
    for file, why in seen.unsearched.items():
        yield f"NOT SEARCHED: {file}: {why}"
