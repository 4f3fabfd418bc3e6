"""Tables that let an auditor repeat and reconcile a run: its calls, its population, counts of a second source, what lived between runs."""

from __future__ import annotations

from reporter.core.table import Column, Kind, Table
from reporter.tables.aws import ACCOUNT, REGION

QUERIES = Table(
    "queries",
    "Every call by which the world was read, refused and broken ones too; one row a page",
    ("call",),
    (
        Column("call", Kind.TEXT, "id: source/account/region/number, in the order of the calls of that scope"),
        Column("account", Kind.CATEGORY, "account of the scope that asked, or WP tenant; empty: the job's own credentials", nullable=True),
        Column("region", Kind.CATEGORY, "region of the scope that asked, global, or - for a WP tenant"),
        Column("source", Kind.CATEGORY, "source that asked; identity, regions, organizations, assume_role: before there are scopes"),
        Column("service", Kind.CATEGORY, "service, as boto3 calls it; wp: Workload Protection"),
        Column("operation", Kind.CATEGORY, "operation, or method and path"),
        Column("called_region", Kind.CATEGORY, "region that was called"),
        Column("parameters", Kind.TEXT, "parameters as JSON, without page tokens, keys and external ids"),
        Column("listing", Kind.TEXT, "call that asked for the first page of the same list"),
        Column("page", Kind.INTEGER, "number of the page"),
        Column("items", Kind.INTEGER, "elements of the page; empty: no list", nullable=True),
        Column("last_page", Kind.FLAG, "the answer announced no further page; empty: it did not come to that", nullable=True),
        Column("attempts", Kind.INTEGER, "how often it was sent; 0: it never was"),
        Column("status", Kind.INTEGER, "HTTP status of the last answer; empty: there was none", nullable=True),
        Column("request_id", Kind.TEXT, "the server's id of the request", nullable=True),
        Column("date", Kind.TIME, "Date header of the answer: the server's clock", nullable=True),
        Column("answered_at", Kind.TIME, "our clock when the answer came", nullable=True),
        Column("error", Kind.TEXT, "why it gave nothing", nullable=True),
        Column("raw", Kind.TEXT, "file that keeps the answer", nullable=True),
    ),
)

COUNTS = Table(
    "counts",
    "How many instances or computers a second source counts, to be held against the first one",
    ("account", "region", "counted"),
    (
        Column("account", Kind.CATEGORY, "account id, or WP tenant"),
        Column("region", Kind.CATEGORY, "region, or - for a WP tenant"),
        Column("counted", Kind.CATEGORY, "config, inspector: instances, by their own counts; wp: computers, by a second search"),
        Column("items", Kind.INTEGER, "the count; empty: it could not be read", nullable=True),
        Column("message", Kind.TEXT, "why it could not be read", nullable=True),
    ),
)

CONFIG_INSTANCES = Table(
    "config_instances",
    "Instances that AWS Config has discovered, deleted ones too",
    ("account", "region", "instance_id"),
    (
        ACCOUNT,
        REGION,
        Column("instance_id", Kind.TEXT, "lower-cased instance id; * where the list could not be read to its end"),
        Column("deleted_at", Kind.TIME, "when it was deleted; empty: it exists", nullable=True),
        Column("message", Kind.TEXT, "why the list could not be read to its end", nullable=True),
    ),
)

EC2_TERMINATED = Table(
    "ec2_terminated",
    "Instances that EC2 still names about an hour after their end",
    ("account", "region", "instance_id"),
    (
        ACCOUNT,
        REGION,
        Column("instance_id", Kind.TEXT, "lower-cased instance id"),
        Column("launch_time", Kind.TIME, "last launch", nullable=True),
    ),
)
