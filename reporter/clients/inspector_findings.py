"""Inspector's ListFindings, typed: botocore's own walk over its model costs ten times as much (the largest list of all).

Unknown fields are skipped, null is as good as absent; a page without `findings`, or with a field of another type, is a broken page.
Field names are the wire's. What is decoded holds no cycle, so that the collector of those need not look at it (gc=False).
https://docs.aws.amazon.com/inspector/v2/APIReference/API_Finding.html
"""

from __future__ import annotations

from typing import Any

import msgspec

Instant = float | str | None
"""Epoch seconds on the wire; ISO 8601 is understood too."""


class VulnerablePackage(msgspec.Struct, gc=False):
    """One package that is vulnerable."""

    name: str | None = None
    version: str | None = None


class PackageVulnerability(msgspec.Struct, gc=False):
    """The vulnerability of a package finding."""

    vulnerabilityId: str | None = None  # noqa: N815  # the wire's name
    relatedVulnerabilities: tuple[str, ...] | None = None  # noqa: N815
    vulnerablePackages: tuple[VulnerablePackage, ...] | None = None  # noqa: N815


class EcrImage(msgspec.Struct, gc=False):
    """An image in ECR."""

    imageHash: str | None = None  # noqa: N815


class ResourceDetails(msgspec.Struct, gc=False):
    """What Inspector knows of a resource."""

    awsEcrContainerImage: EcrImage | None = None  # noqa: N815


class Resource(msgspec.Struct, gc=False):
    """What a finding is about."""

    id: str
    type: str
    details: ResourceDetails | None = None


class Finding(msgspec.Struct, gc=False):
    """One finding, with the fields that sources/inspector.py keeps."""

    findingArn: str  # noqa: N815
    type: str
    severity: str
    status: str | None = None
    title: str | None = None
    awsAccountId: str | None = None  # noqa: N815
    inspectorScore: float | None = None  # noqa: N815
    exploitAvailable: str | None = None  # noqa: N815
    fixAvailable: str | None = None  # noqa: N815
    firstObservedAt: Instant = None  # noqa: N815
    lastObservedAt: Instant = None  # noqa: N815
    updatedAt: Instant = None  # noqa: N815
    packageVulnerabilityDetails: PackageVulnerability | None = None  # noqa: N815
    resources: tuple[Resource, ...] | None = None


class _Page(msgspec.Struct):
    findings: list[Finding]
    nextToken: str | None = None  # noqa: N815


_DECODER = msgspec.json.Decoder(_Page)


def decode_findings(body: bytes) -> dict[str, Any]:
    """{"findings": [Finding, ...], "nextToken": ... where there is one}. Raises msgspec.DecodeError (ValidationError included)."""
    page = _DECODER.decode(body)
    answer: dict[str, Any] = {"findings": page.findings}
    if page.nextToken is not None:
        answer["nextToken"] = page.nextToken
    return answer
