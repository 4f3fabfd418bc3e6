"""CloudFront: distributions, their web ACL and their origins."""

from __future__ import annotations

from typing import Any

from reporter.clients.aws import AwsReader
from reporter.core.answers import field
from reporter.core.scope import Reach
from reporter.core.source import Source
from reporter.core.table import Row, Rows
from reporter.tables.aws import DISTRIBUTIONS


def fetch(reader: AwsReader) -> Rows:
    """Every distribution, enabled or not. Raises ScopeProblem."""
    found = reader.items("cloudfront", "list_distributions", "DistributionList.Items", optional=True)  # AWS leaves Items out when there are none
    return {DISTRIBUTIONS.name: [(reader.account, reader.region, *_distribution(distribution)) for distribution in found]}


def _distribution(distribution: dict[str, Any]) -> Row:
    call = "cloudfront ListDistributions"
    origins = distribution.get("Origins", {}).get("Items", [])
    return (
        field(distribution, "ARN", call),
        field(distribution, "DomainName", call).lower(),
        field(distribution, "Enabled", call),
        distribution.get("WebACLId") or None,
        sorted({field(origin, "DomainName", call).lower() for origin in origins}),
    )


SOURCE = Source(
    name="cloudfront",
    tables=(DISTRIBUTIONS,),
    permissions=("cloudfront:ListDistributions",),
    reach=Reach.GLOBAL,
    fetch=fetch,
)
