"""Tables of what the joins say. The columns named by the contract come first, in its order; the CSV files are written from those."""

from __future__ import annotations

from reporter.core.modules import MODULES
from reporter.core.table import Column, Kind, Table
from reporter.tables.aws import ACCOUNT, REGION

_INSTANCE = Column("instance_id", Kind.TEXT, "lower-cased instance id; empty: none", nullable=True)
_OWNER = Column("owner", Kind.CATEGORY, "value of the owner tag; empty: untagged", nullable=True)
_PROTECTION = Column("protection", Kind.CATEGORY, "unknown, unmanaged, inactive, offline, no_policy, protected", nullable=True)
_TENANT = Column("tenant", Kind.CATEGORY, "WP tenant of the computer; empty: no computer found", nullable=True)

INSTANCES = Table(
    "instances",
    "Every instance in scope and the protection before it",
    ("account", "region", "instance_id"),
    (
        ACCOUNT,
        REGION,
        Column("instance_id", Kind.TEXT, "lower-cased instance id"),
        Column("ecs_cluster", Kind.TEXT, "ARN of the ECS cluster it is a container host of", nullable=True),
        _OWNER,
        Column("protection", Kind.CATEGORY, "unknown, unmanaged, inactive, offline, no_policy, protected"),
        Column("computer_id", Kind.INTEGER, "WP computer that stands for it", nullable=True),
        Column("policy", Kind.CATEGORY, "name of its WP policy", nullable=True),
        Column("duplicates", Kind.INTEGERS, "further WP computers of the same instance"),
        Column("last_contact", Kind.TIME, "last contact of the agent", nullable=True),
        *(
            Column(
                module,
                Kind.CATEGORY,
                f"{module}: on, prevent, detect, real-time, off (the agent says so); inactive (configured, not running); empty: no computer",
                nullable=True,
            )
            for module in MODULES
        ),
        _TENANT,
        Column("policy_id", Kind.INTEGER, "its policy's id in the tenant", nullable=True),
        Column("state", Kind.CATEGORY, "power state"),
        Column("launch_time", Kind.TIME, "last launch", nullable=True),
        Column("name", Kind.TEXT, "Name tag", nullable=True),
        Column("instance_profile_arn", Kind.TEXT, "instance profile", nullable=True),
        Column("agent_status", Kind.CATEGORY, "agentStatus", nullable=True),
        Column("agent_messages", Kind.TEXTS, "agentStatusMessages"),
        Column("last_integrity_scan", Kind.TIME, "last integrity scan", nullable=True),
        Column("last_recommendation_scan", Kind.TIME, "last recommendation scan", nullable=True),
        Column("recommendation_status", Kind.CATEGORY, "none, valid, out-of-date, unknown", nullable=True),
        Column("ips_rules", Kind.INTEGER, "number of IPS rules effective on it", nullable=True),
        Column("conditions", Kind.TEXTS, "derived conditions that need attention (WP v1 has no alert call)"),
        *(Column(f"{module}_message", Kind.TEXT, f"{module}: the agent's own words", nullable=True) for module in MODULES),
    ),
)

EXCLUDED_INSTANCES = Table(
    "excluded_instances",
    "Instances outside the schedule's scope tag, counted, never silently absent",
    ("account", "region"),
    (ACCOUNT, REGION, Column("instances", Kind.INTEGER, "instances left out")),
)

FINDINGS = Table(
    "findings",
    "GuardDuty, Inspector and Macie findings, one row per finding and instance",
    ("source", "finding_id", "instance_id", "resource"),
    (
        Column("source", Kind.CATEGORY, "guardduty, inspector, macie"),
        Column("finding_id", Kind.TEXT, "finding id or ARN"),
        ACCOUNT,
        REGION,
        Column("type", Kind.CATEGORY, "finding type"),
        Column("severity", Kind.CATEGORY, "CRITICAL .. INFORMATIONAL, UNTRIAGED"),
        Column("resource", Kind.TEXT, "what it is about: instance id, image, bucket or function ARN, or the service's resource type", nullable=True),
        _INSTANCE,
        _PROTECTION,
        Column("sample", Kind.FLAG, "sample finding"),
        Column("archived", Kind.FLAG, "archived or suppressed"),
        Column("action", Kind.CATEGORY, "what this run does about it; empty: nothing to do", nullable=True),
        Column("updated_at", Kind.TIME, "last update"),
        Column("arn", Kind.TEXT, "finding ARN", nullable=True),
        Column("title", Kind.TEXT, "title", nullable=True),
        Column("created_at", Kind.TIME, "first seen", nullable=True),
        _OWNER,
        _TENANT,
    ),
    big=True,
)

VIRTUAL_PATCHES = Table(
    "virtual_patches",
    "One row per active package finding, host it is on, and CVE",
    ("finding_arn", "instance_id", "image", "cve"),
    (
        ACCOUNT,
        REGION,
        _INSTANCE,
        Column("image", Kind.TEXT, "image ARN, for container image findings", nullable=True),
        Column("cve", Kind.CATEGORY, "CVE, or the vendor's own id where no CVE is related"),
        Column("severity", Kind.CATEGORY, "Inspector's severity"),
        Column(
            "state",
            Kind.CATEGORY,
            "unknown, not_running, unprotected, prevented, detect_only, assigned_not_effective, available, generic_only, no_rule",
        ),
        Column("rule_identifiers", Kind.TEXTS, "identifiers of the rules the state rests on"),
        Column("policy", Kind.CATEGORY, "WP policy of the host", nullable=True),
        Column("finding_arn", Kind.TEXT, "finding ARN"),
        Column("first_observed", Kind.TIME, "first observed by Inspector"),
        Column("age_days", Kind.INTEGER, "patch outstanding since this many whole days"),
        Column("reason", Kind.TEXT, "why this state"),
        Column("title", Kind.TEXT, "title of the finding", nullable=True),
        Column("fix_available", Kind.CATEGORY, "YES, NO, PARTIAL", nullable=True),
        Column("exploit_available", Kind.FLAG, "an exploit is known", nullable=True),
        Column("packages", Kind.TEXTS, "vulnerable packages"),
        _OWNER,
        _TENANT,
    ),
    big=True,
)

BUCKET_ACCESS = Table(
    "bucket_access",
    "One row per alerted bucket, role that can reach its objects, and instance that runs as the role",
    ("bucket", "role_arn", "instance_id", "via"),
    (
        Column("bucket", Kind.TEXT, "bucket ARN"),
        ACCOUNT,
        Column("role_arn", Kind.TEXT, "role"),
        _INSTANCE,
        Column("via", Kind.CATEGORY, "instance_profile or task_role; empty: nothing runs as the role", nullable=True),
        Column("allowed_by", Kind.TEXT, "the policy and statement that allow it, or what keeps it open"),
        Column("decision", Kind.CATEGORY, "allowed or conditional"),
        Column("protection", Kind.CATEGORY, "protection of the instance", nullable=True),
        Column("region", Kind.CATEGORY, "region of the alert"),
        Column("actions", Kind.TEXTS, "s3 actions that are open: s3:GetObject, s3:PutObject, s3:DeleteObject"),
        Column("instance_account", Kind.CATEGORY, "account of the instance", nullable=True),
        Column("instance_region", Kind.CATEGORY, "region of the instance", nullable=True),
        _OWNER,
        _TENANT,
    ),
)

WEB_ENTRIES = Table(
    "web_entries",
    "Every CloudFront distribution and load balancer, its web ACL and what is behind it",
    ("account", "region", "type", "entry"),
    (
        ACCOUNT,
        REGION,
        Column("entry", Kind.TEXT, "ARN; a classic load balancer: its name"),
        Column("type", Kind.CATEGORY, "cloudfront, alb, classic_elb, nlb"),
        Column("internet_facing", Kind.FLAG, "reachable from the internet by itself", nullable=True),
        Column("web_acl", Kind.TEXT, "its web ACL; for a classic load balancer those of all distributions before it, joined by ;", nullable=True),
        Column("instances", Kind.TEXTS, "EC2 instances and container hosts behind it"),
        Column("policies", Kind.TEXTS, "WP policies of those"),
        Column("wanted_groups", Kind.TEXTS, "managed rule groups that should be there, as vendor:name"),
        Column("present_groups", Kind.TEXTS, "managed rule groups that are there, as vendor:name (count) or vendor:name (block)"),
        Column("state", Kind.CATEGORY, "covered, count_only, missing_rules, missing_acl, not_applicable, unknown"),
        Column("reason", Kind.TEXT, "why this state"),
        Column("managed_by", Kind.CATEGORY, "who owns the web ACL by tag", nullable=True),
        Column("wanted_sets", Kind.TEXTS, "web_server, web_application: what the IPS rules' application types ask for"),
    ),
)

RESULTS = Table(
    "results",
    "One row per check and resource",
    ("check_id", "account", "region", "resource"),
    (
        Column("check_id", Kind.CATEGORY, "check"),
        Column("resource", Kind.TEXT, "instance id, ARN, classic load balancer's name; * where the population could not be read"),
        ACCOUNT,
        REGION,
        Column("status", Kind.CATEGORY, "PASS, FAIL, UNKNOWN, WAIVED, NOT_APPLICABLE"),
        Column("severity", Kind.CATEGORY, "CRITICAL, HIGH, MEDIUM, LOW"),
        Column("reason", Kind.TEXT, "one sentence for a person"),
        Column("observed", Kind.TEXT, "what was seen"),
        Column("expected", Kind.TEXT, "what should be seen"),
        _OWNER,
        Column("first_seen", Kind.TIME, "since when this status holds in this chain of runs", nullable=True),
        Column("age_days", Kind.INTEGER, "whole days since first_seen", nullable=True),
        Column("waiver", Kind.TEXT, "ticket and expiry of the exception", nullable=True),
        Column("due", Kind.TIME, "by when it must be put right; before now and FAIL: overdue", nullable=True),
        Column("unread", Kind.FLAG, "UNKNOWN because a scope was not read, not because of what was read", nullable=True),
        Column(
            "calls",
            Kind.CATEGORY,
            "whose calls it rests on: source (of its own account and region), source/region, source/* (all regions of its account) or source/tenant; "
            "their ids in queries.jsonl begin with source/account/region",
            nullable=True,
        ),
    ),
)

CHANGES = Table(
    "changes",
    "What differs from the results of the scheduled run before this one; each difference is of one kind",
    ("check_id", "account", "region", "resource"),
    (
        Column("check_id", Kind.CATEGORY, "check"),
        Column("resource", Kind.TEXT, "as in results"),
        ACCOUNT,
        REGION,
        Column("change", Kind.CATEGORY, "waiver_expired, reopened, new, newly_unknown, gone, newly_waived, known_again, fixed"),
        Column("cause", Kind.CATEGORY, "world, rule, exception, reading (not read then or now); empty: it cannot be told", nullable=True),
        Column("was", Kind.CATEGORY, "status in the earlier run; empty: no row", nullable=True),
        Column("now", Kind.CATEGORY, "status in this run; empty: no row", nullable=True),
        Column("severity", Kind.CATEGORY, "CRITICAL, HIGH, MEDIUM, LOW"),
        _OWNER,
        Column("reason", Kind.TEXT, "one sentence for a person"),
        Column("since", Kind.TIME, "since when it was as it was in the earlier run; empty: it was not there", nullable=True),
    ),
)

HISTORY = Table(
    "history",
    "What a chain of runs remembers of results that failed or were last seen otherwise than UNKNOWN; carried from run to run",
    ("check_id", "account", "region", "resource"),
    (
        Column("check_id", Kind.CATEGORY, "check"),
        Column("resource", Kind.TEXT, "as in results"),
        ACCOUNT,
        REGION,
        Column("last_known", Kind.CATEGORY, "the last status that was not UNKNOWN; empty: it is no longer there", nullable=True),
        Column("known_at", Kind.TIME, "when that was last seen", nullable=True),
        Column("first_failed", Kind.TIME, "when it first failed; empty: never", nullable=True),
        Column("failing_since", Kind.TIME, "since when it fails, not seen otherwise since; accepted or unread meanwhile counts", nullable=True),
        Column("fixed_at", Kind.TIME, "when it was last seen to be put right", nullable=True),
        Column("seen_at", Kind.TIME, "the last run that had a row for it"),
        Column("severity", Kind.CATEGORY, "severity of its last row"),
        _OWNER,
    ),
)

TREND = Table(
    "trend",
    "The last 30 scheduled runs of the chain in numbers, this one included; carried from run to run",
    ("at", "run"),
    (
        Column("run", Kind.TEXT, "run id"),
        Column("at", Kind.TIME, "when it began"),
        Column("passed", Kind.INTEGER, "results that are PASS"),
        Column("failed", Kind.INTEGER, "results that are FAIL"),
        Column("unknown", Kind.INTEGER, "results that are UNKNOWN"),
        Column("waived", Kind.INTEGER, "results that are WAIVED"),
        Column("not_applicable", Kind.INTEGER, "results that are NOT_APPLICABLE"),
        Column("failed_critical", Kind.INTEGER, "FAIL of severity CRITICAL"),
        Column("failed_high", Kind.INTEGER, "FAIL of severity HIGH"),
        Column("overdue", Kind.INTEGER, "FAIL past its due date"),
        Column("instances", Kind.INTEGER, "instances in scope"),
        Column("protected", Kind.INTEGER, "instances that are protected"),
        Column("cves", Kind.INTEGER, "virtual patch rows"),
        Column("prevented", Kind.INTEGER, "virtual patch rows that are prevented"),
        Column("web_entries", Kind.INTEGER, "web entries"),
        Column("covered", Kind.INTEGER, "web entries that are covered"),
        Column("scopes", Kind.INTEGER, "planned scopes"),
        Column("scopes_unread", Kind.INTEGER, "scopes that are denied or unavailable"),
        Column("new", Kind.INTEGER, "changes that are new or reopened; empty: there was no run to compare with", nullable=True),
        Column("fixed", Kind.INTEGER, "changes that are fixed; empty: there was no run to compare with", nullable=True),
    ),
)

SCOPES = Table(
    "scopes",
    "The ledger: one row per planned scope",
    ("account", "region", "source"),
    (
        ACCOUNT,
        REGION,
        Column("source", Kind.CATEGORY, "source"),
        Column("state", Kind.CATEGORY, "ok, denied, not_enabled, unavailable, skipped"),
        Column("rows", Kind.INTEGER, "rows read"),
        Column("calls", Kind.INTEGER, "calls made"),
        Column("retries", Kind.INTEGER, "calls repeated"),
        Column("seconds", Kind.NUMBER, "wall time"),
        Column("message", Kind.TEXT, "what happened", nullable=True),
        Column("permission", Kind.TEXT, "what to grant", nullable=True),
    ),
)

ACTIONS = Table(
    "actions",
    "One row per change that was proposed, made, looked at again, or taken back in this run; actions.jsonl has all of it",
    ("action", "target", "run", "state"),
    (
        Column("action", Kind.CATEGORY, "action"),
        Column("target", Kind.TEXT, "what is written to"),
        Column("account", Kind.CATEGORY, "account, or WP tenant"),
        REGION,
        Column("severity", Kind.CATEGORY, "the worst of what asks for it"),
        Column("state", Kind.CATEGORY, "planned, approved, applied, verified, pending, failed, skipped, undone"),
        Column("reason", Kind.TEXT, "why"),
        Column("error", Kind.TEXT, "why it failed or was skipped, or what was seen", nullable=True),
        Column("subjects", Kind.TEXTS, "what counts against the limit"),
        Column("at", Kind.TIME, "when it got this state"),
        Column("run", Kind.CATEGORY, "run that made the change; empty: not made", nullable=True),
    ),
)

EXCEPTIONS = Table(
    "exceptions",
    "The schedule's exceptions, as written there",
    ("check", "resource", "ticket", "expires"),
    (
        Column("check", Kind.CATEGORY, "check id"),
        Column("resource", Kind.TEXT, "resource, exactly as in results"),
        Column("reason", Kind.TEXT, "why the failure is accepted"),
        Column("owner", Kind.CATEGORY, "who carries the risk"),
        Column("approved_by", Kind.CATEGORY, "who approved it"),
        Column("ticket", Kind.TEXT, "where the approval is recorded"),
        Column("expires", Kind.TEXT, "last day, YYYY-MM-DD"),
        Column("risk", Kind.TEXT, "what may come of it; empty: schedule.yaml does not say", nullable=True),
        Column("compensation", Kind.TEXT, "what is done instead; empty: schedule.yaml does not say", nullable=True),
        Column("approved_on", Kind.TEXT, "day of the approval, YYYY-MM-DD; empty: schedule.yaml does not say", nullable=True),
        Column("review_on", Kind.TEXT, "last day on which it is to be looked at again, YYYY-MM-DD; empty: schedule.yaml names none", nullable=True),
    ),
)

PREVIOUS_PACK = Table(
    "previous_pack",
    "The evidence pack of the run before this one in the chain; no row in the first run",
    ("run_id",),
    (
        Column("run_id", Kind.TEXT, "run id"),
        Column("sealed", Kind.FLAG, "its files are those that its seal names, and the signature holds; empty: it could not be read", nullable=True),
        Column("chained", Kind.FLAG, "its seal is the chain's head, on the seal before it; empty: that could not be read", nullable=True),
        Column("message", Kind.TEXT, "what was seen", nullable=True),
    ),
)
