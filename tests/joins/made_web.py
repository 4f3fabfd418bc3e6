"""Ways in from the web for join tests: load balancers with what is behind them, distributions, web ACLs."""

from __future__ import annotations

from typing import Any

import pandas as pd

from reporter.core.scope import GLOBAL
from reporter.core.table import Table
from reporter.tables.aws import DISTRIBUTIONS, LOAD_BALANCERS, TARGET_GROUPS, TARGETS, WEB_ACL_ASSOCIATIONS, WEB_ACL_RULES, WEB_ACLS
from tests.joins.made import A, R, row

Rows = tuple[Table, list[tuple[Any, ...]]]
ALB = f"arn:aws:elasticloadbalancing:{R}:{A}:loadbalancer/app/shop/1"
NLB = f"arn:aws:elasticloadbalancing:{R}:{A}:loadbalancer/net/shop/2"
ACL = f"arn:aws:wafv2:{R}:{A}:regional/webacl/shop/1"
EDGE_ACL = f"arn:aws:wafv2:us-east-1:{A}:global/webacl/edge/1"


def alb_name() -> str:
    return "shop-1.eu-central-1.elb.amazonaws.com"


def balancer(**values: Any) -> tuple[Rows, ...]:
    """An internet-facing application load balancer."""
    defaults = {"arn": ALB, "name": "shop", "type": "application", "scheme": "internet-facing", "dns_name": alb_name()}
    return ((LOAD_BALANCERS, [row(LOAD_BALANCERS, **{**defaults, **values})]),)


def target_group(arn: str, kind: str, *, before: str = ALB, **values: Any) -> Rows:
    """A target group behind one load balancer, in vpc-1."""
    defaults = {"arn": arn, "target_type": kind, "load_balancer_arns": (before,), "vpc_id": "vpc-1"}
    return (TARGET_GROUPS, [row(TARGET_GROUPS, **{**defaults, **values})])


def targets(behind_what: str, *ids: str, **values: Any) -> Rows:
    return (TARGETS, [row(TARGETS, behind=behind_what, target_id=target, port=80, **values) for target in ids])


def alb(*ids: str, **values: Any) -> tuple[Rows, ...]:
    """An application load balancer with instances registered by id."""
    group_of = target_group("tg", "instance", before=values.get("arn", ALB))
    return (*balancer(**values), group_of, targets("tg", *ids))


def nlb(*ids: str, kind: str = "instance") -> tuple[Rows, ...]:
    """A network load balancer before targets of one kind."""
    return (*balancer(arn=NLB, type="network", name="net", dns_name=None), target_group("net", kind, before=NLB), targets("net", *ids))


def classic(*ids: str, **values: Any) -> tuple[Rows, ...]:
    name = values.get("name", "old")
    made = {"arn": None, "name": name, "type": "classic", "dns_name": "old-1.eu-central-1.elb.amazonaws.com", **values}
    return (*balancer(**made), targets(name, *ids))


def distribution(name: str, *origins: str, **values: Any) -> Rows:
    defaults = {"region": GLOBAL, "arn": f"arn:aws:cloudfront::{A}:distribution/{name}", "enabled": True, "origin_domains": origins}
    if ":" in name or " " in name:
        defaults["arn"] = name
    return (DISTRIBUTIONS, [row(DISTRIBUTIONS, **{**defaults, **values})])


def attached(acl: str = ACL, to: str = ALB) -> Rows:
    return (WEB_ACL_ASSOCIATIONS, [row(WEB_ACL_ASSOCIATIONS, web_acl_arn=acl, resource_arn=to)])


def group(vendor: str, name: str, mode: str = "block", **values: Any) -> dict[str, Any]:
    """A managed rule group as a rule of a web ACL."""
    return {"kind": "managed_rule_group", "vendor": vendor, "group_name": name, "mode": mode, "position": "own", "name": f"{vendor} {name}", **values}


def web_acl(*groups: dict[str, Any], arn: str = ACL, region: str = R, **values: Any) -> tuple[Rows, Rows]:
    """A web ACL and its rules."""
    rules = [row(WEB_ACL_RULES, region=region, web_acl_arn=arn, **rule) for rule in groups]
    return (WEB_ACLS, [row(WEB_ACLS, region=region, arn=arn, **values)]), (WEB_ACL_RULES, rules)


def behind(found: pd.DataFrame, kind: str) -> tuple[str, ...]:
    """Instances behind the one entry of a type."""
    mine = found[found["type"] == kind]
    assert len(mine) == 1
    return tuple(mine["instances"].iloc[0])
