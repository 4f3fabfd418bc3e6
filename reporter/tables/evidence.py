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

POPULATION = Table(
    "population",
    "Every instance that EC2 named, left-out ones too, and every computer of Workload Protection that stands for none of them",
    ("account", "region", "instance_id", "tenant", "computer_id"),
    (
        Column("account", Kind.CATEGORY, "account id; of a computer: as it says, empty if it does not", nullable=True),
        Column("region", Kind.CATEGORY, "region; - for a computer that stands for no instance that was read"),
        Column("instance_id", Kind.TEXT, "lower-cased instance id; of a computer: as it says", nullable=True),
        Column("kind", Kind.CATEGORY, "matched, ec2_only, excluded (by the scope tag), wp_only"),
        Column("launch_time", Kind.TIME, "last launch", nullable=True),
        Column("state", Kind.CATEGORY, "power state, as EC2 says", nullable=True),
        Column("tags", Kind.TEXT, "the tags Name, of the owner and of the scope, as JSON; others are not shown", nullable=True),
        Column("owner", Kind.CATEGORY, "value of the owner tag; empty: untagged", nullable=True),
        Column("in_scope", Kind.FLAG, "the report is about it; empty: not an instance that was read", nullable=True),
        Column("tenant", Kind.CATEGORY, "WP tenant of its computer", nullable=True),
        Column("computer_id", Kind.INTEGER, "WP computer that stands for it", nullable=True),
        Column(
            "joined_on", Kind.CATEGORY, "account_and_instance_id; instance_id (the computer names no account, one instance has its id)", nullable=True
        ),
        Column("duplicates", Kind.TEXTS, "further computers of the same instance, as tenant/id"),
        Column("last_contact", Kind.TIME, "last contact of the agent: what it says is so old", nullable=True),
        Column("last_integrity_scan", Kind.TIME, "last integrity scan", nullable=True),
        Column("last_recommendation_scan", Kind.TIME, "last recommendation scan", nullable=True),
        Column("last_observed", Kind.TIME, "newest observation of Inspector's active findings on it", nullable=True),
    ),
)

RECONCILIATION = Table(
    "reconciliation",
    "Counts of the population held against the sum of its parts and against a second source; each difference is a line of its own",
    ("account", "region", "line", "instance_id"),
    (
        Column("account", Kind.CATEGORY, "account id, or WP tenant"),
        Column("region", Kind.CATEGORY, "region, or - for a WP tenant"),
        Column(
            "line",
            Kind.CATEGORY,
            "ec2: instances = matched + ec2_only + excluded; config, inspector: instances against those of that service; "
            "inspector_list: its coverage as listed against its own count; wp: computers = matched + wp_only; wp_again: against a second search",
        ),
        Column("instance_id", Kind.TEXT, "the instance that makes a difference; empty: the line is a count", nullable=True),
        Column("items", Kind.INTEGER, "the first count; empty: not known", nullable=True),
        Column("against", Kind.INTEGER, "the second count; empty: not known", nullable=True),
        Column("state", Kind.CATEGORY, "equal; explained: lines name each difference; unexplained; unknown: one of the two was not read; difference"),
        Column("explanation", Kind.TEXT, "what the counts are made of, or why there is a difference, or why it is not known"),
    ),
)

PREVIOUS_POPULATION = Table(
    "previous_population",
    "The instances of the run that this one is compared with, and with instance * each account and region that it read",
    ("account", "region", "instance_id"),
    (
        ACCOUNT,
        REGION,
        Column("instance_id", Kind.TEXT, "lower-cased instance id; *: the account and region was read"),
        Column("read_at", Kind.TIME, "when that run read the world"),
    ),
)

BETWEEN_RUNS = Table(
    "between_runs",
    "Instances that came or went since the run before, and what cannot be told of the time between",
    ("account", "region", "instance_id", "event"),
    (
        ACCOUNT,
        REGION,
        Column("instance_id", Kind.TEXT, "lower-cased instance id; *: the account and region"),
        Column(
            "event",
            Kind.CATEGORY,
            "launched; appeared (launched earlier, but not there in the run before); gone; came_and_went (in neither run); unknown",
        ),
        Column("launch_time", Kind.TIME, "last launch, where it is known", nullable=True),
        Column("ended_at", Kind.TIME, "when AWS Config saw its end", nullable=True),
        Column("explanation", Kind.TEXT, "who says so, or why it is not known"),
    ),
)

IDENTITIES = Table(
    "identities",
    "As whom each account was read (sts GetCallerIdentity)",
    ("account",),
    (
        ACCOUNT,
        Column("arn", Kind.TEXT, "ARN of the caller; empty: it could not be asked", nullable=True),
        Column("message", Kind.TEXT, "why it could not be asked", nullable=True),
    ),
)

ACCEPTED = Table(
    "accepted",
    "The schedule's exceptions: what was accepted, by whom, until when, and whether that still holds",
    ("check", "resource", "ticket", "expires"),
    (
        Column("check", Kind.CATEGORY, "check id"),
        Column("resource", Kind.TEXT, "resource, exactly as in results"),
        Column("reason", Kind.TEXT, "why the failure is accepted"),
        Column("owner", Kind.CATEGORY, "who carries the risk"),
        Column("approved_by", Kind.CATEGORY, "who approved it: never the owner, such a schedule is refused"),
        Column("ticket", Kind.TEXT, "where the approval is recorded"),
        Column("expires", Kind.TEXT, "last day, YYYY-MM-DD: there is no exception without one"),
        Column("state", Kind.CATEGORY, "valid; refused: it waives nothing"),
        Column("why", Kind.TEXT, "why it is refused", nullable=True),
        Column("days_left", Kind.INTEGER, "whole days to its last day; below 0: it ran out", nullable=True),
        Column("waived", Kind.INTEGER, "results of this run that it waives"),
        Column("risk", Kind.TEXT, "what may come of it; empty: schedule.yaml does not say", nullable=True),
        Column("compensation", Kind.TEXT, "what is done instead; empty: schedule.yaml does not say", nullable=True),
        Column("approved_on", Kind.TEXT, "day of the approval, YYYY-MM-DD; empty: schedule.yaml does not say", nullable=True),
        Column("review_on", Kind.TEXT, "last day on which it is to be looked at again, YYYY-MM-DD; empty: schedule.yaml names none", nullable=True),
    ),
)

MAPPING = Table(
    "mapping",
    "Which check supports which control of the frameworks that are reported on, and how much",
    ("framework", "control_id", "check_id"),
    (
        Column("framework", Kind.CATEGORY, "framework and its edition"),
        Column("control_id", Kind.TEXT, "the framework's own id"),
        Column("title", Kind.TEXT, "what it is about, in our own words"),
        Column("check_id", Kind.CATEGORY, "check"),
        Column("confidence", Kind.CATEGORY, "high: the requirement asks for what the check measures; medium: for more than that; low: context only"),
        Column("rationale", Kind.TEXT, "why"),
    ),
)
