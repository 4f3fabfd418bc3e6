"""CloudFront: distributions by web ACL, and the version a change must name."""

from __future__ import annotations

from typing import Any

import moto.backends
from moto.moto_api._internal import mock_random

from reporter.sandbox.aws.extend import Call, Extension, refuse
from reporter.sandbox.aws.paging import page


def distributions(call: Call) -> dict[str, Any]:
    get_backend: Any = moto.backends.get_backend
    held: dict[str, Any] = get_backend("cloudfront")[call.account]["aws"].distributions
    return held


def list_distributions_by_web_acl_id(call: Call) -> dict[str, Any]:
    """The literal `null` asks for those without a web ACL."""
    wanted = "" if call.params["WebACLId"] == "null" else call.params["WebACLId"]
    found = [distribution for distribution in distributions(call).values() if distribution.WebACLId == wanted]
    asked = call.params.get("MaxItems")
    part, marker = page(found, call.params.get("Marker"), int(asked) if asked else None, most=100, error="InvalidArgument")
    listed = {
        "Marker": call.params.get("Marker") or "",
        "NextMarker": marker,
        "MaxItems": int(asked or 100),
        "IsTruncated": marker is not None,
        "Quantity": len(part),
        "Items": part or None,
    }
    return {"DistributionList": listed}


def require_version(call: Call) -> Any:
    """The distribution, if the change names its current version. One that does not exist is moto's to refuse."""
    distribution = distributions(call).get(call.params["Id"])
    named = call.params.get("IfMatch")
    if distribution is not None and named and named != distribution.etag:
        raise refuse("PreconditionFailed", "The request failed because it didn't meet the preconditions in one or more request-header fields.")
    return distribution


def update_distribution(call: Call) -> Any:
    distribution = require_version(call)
    answer = call.original()
    distribution.etag = "E" + mock_random.get_random_hex(13).upper()
    answer.result["ETag"] = distribution.etag
    return answer


def delete_distribution(call: Call) -> Any:
    require_version(call)
    return call.original()


EXTENSION = Extension(
    service="cloudfront",
    operations={
        "ListDistributionsByWebACLId": list_distributions_by_web_acl_id,
        "UpdateDistribution": update_distribution,
        "DeleteDistribution": delete_distribution,
    },
)
