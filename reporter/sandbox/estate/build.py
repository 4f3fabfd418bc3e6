"""Draws an estate and pours it into the two sandbox servers; writes the schedule.yaml that fits it."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime

from botocore.exceptions import ClientError

from reporter.sandbox.estate.cloud import Cloud, access_key
from reporter.sandbox.estate.draw import ACCOUNTS, SIZES, draw
from reporter.sandbox.estate.pour_compute import pour_containers, pour_instances
from reporter.sandbox.estate.pour_identity import pour_buckets, pour_organization, pour_roles
from reporter.sandbox.estate.pour_services import pour_findings, pour_services
from reporter.sandbox.estate.pour_web import pour_web
from reporter.sandbox.estate.pour_wp import pour_wp
from reporter.sandbox.estate.truth import Truth, truth_of

_NOBODY = "123456789012"
_STEPS = (pour_organization, pour_roles, pour_buckets, pour_instances, pour_containers, pour_web, pour_services, pour_findings)


def build(aws_endpoint: str, wp_url: str, size: str, seed: int, now: datetime, tenants: int = 1) -> Truth:
    """Empties both servers and pours the estate. One call after the other: ids follow from the seed and the order. Returns the truth of it.

    `wp_url`: base URL of the API (it ends in /api). Raises KeyError for an unknown size, requests.HTTPError or a botocore error where a
    server refuses.
    """
    estate = draw(seed, size, now, tenants)
    cloud = Cloud(aws_endpoint)
    empty(cloud)
    cloud.post(f"/moto-api/seed?a={seed}")
    open_accounts(cloud)
    for step in _STEPS:
        step(cloud, estate)
    pour_wp(wp_url.removesuffix("/api"), estate, cloud.ids)
    return truth_of(estate, cloud.ids)


_WAKING: dict[str, tuple[str, dict[str, str]]] = {
    "autoscaling": ("describe_auto_scaling_groups", {}),
    "cloudfront": ("list_distributions", {}),
    "config": ("describe_config_rules", {}),
    "ec2": ("describe_addresses", {}),
    "ecs": ("list_clusters", {}),
    "elb": ("describe_load_balancers", {}),
    "elbv2": ("describe_load_balancers", {}),
    "guardduty": ("list_detectors", {}),
    "iam": ("list_roles", {}),
    "inspector2": ("batch_get_account_status", {}),
    "kms": ("list_keys", {}),
    "lambda": ("list_functions", {}),
    "macie2": ("list_members", {}),
    "organizations": ("list_accounts", {}),
    "s3": ("list_buckets", {}),
    "sts": ("get_caller_identity", {}),
    "wafv2": ("list_web_acls", {"Scope": "REGIONAL"}),
}


def empty(cloud: Cloud) -> None:
    """Leaves the AWS sandbox as a fresh one that has answered once.

    moto draws ids when a service is first asked: hence the calls. Its Auto Scaling brings an emptied EC2 back while it is reset, and moto
    resets what was asked since the last time only: hence the second reset, after one more call.
    """
    for service, (operation, parameters) in _WAKING.items():
        with suppress(ClientError):  # a refusal (no organisation, Macie off) wakes a service as well as an answer does
            getattr(cloud.client(service, _NOBODY, "us-east-1"), operation)(**parameters)
    cloud.post("/moto-api/reset")
    cloud.client("ec2", _NOBODY, "us-east-1").describe_addresses()
    cloud.post("/moto-api/reset")


def open_accounts(cloud: Cloud) -> None:
    """Access keys of the estate's accounts."""
    for account in ACCOUNTS:
        cloud.seed("sts", "access_keys", account, "global", [access_key(account)])


def environment(aws_endpoint: str) -> dict[str, str]:
    """What an AWS client and the reporter need to find the sandbox: the management account's dummy keys and the main tenant's."""
    return {
        "AWS_ENDPOINT_URL": aws_endpoint,
        "AWS_ACCESS_KEY_ID": access_key(ACCOUNTS[0]),
        "AWS_SECRET_ACCESS_KEY": "sandbox-secret",
        "AWS_DEFAULT_REGION": "eu-central-1",
        "WP_API_KEY": "sandbox-wp-main",
    }


def schedule(aws_endpoint: str, wp_url: str, size: str, tenants: int = 1) -> str:
    """schedule.yaml for an estate of that size; a second tenant's key is env:WP_API_KEY_2. The AWS endpoint stands in the environment."""
    plan = SIZES[size]
    accounts = [f'    - {{id: "{a}", role: "arn:aws:iam::{a}:role/reporter-read"}}' for a in ACCOUNTS[: plan.accounts]]
    names = (("main", "WP_API_KEY"), ("subsidiary", "WP_API_KEY_2"))[:tenants]
    lines = [
        f"# The sandbox's {size} estate; AWS is at {aws_endpoint} (set AWS_ENDPOINT_URL).",
        "jobs:",
        '  nightly: {schedule: "cron(0 3 * * ? *)", timezone: Europe/Berlin}',
        "aws:",
        "  accounts:",
        *accounts,
        f"  regions: [{', '.join(plan.regions)}]",
        "workload_protection:",
        *(f"  - {{name: {name}, url: {wp_url}, auth: api-key, key: env:{variable}}}" for name, variable in names),
        "owners:",
        "  tag: Owner",
        "  addresses: {payments: payments@example.com, orders: orders@example.com, platform: platform@example.com}",
        "  default: secops@example.com",
    ]
    return "\n".join(lines) + "\n"
