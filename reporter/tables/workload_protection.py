"""Tables of what Workload Protection (WP) says. A WP row names its tenant; ids are local to it."""

from __future__ import annotations

from reporter.core.modules import MODULES
from reporter.core.table import Column, Kind, Table

TENANT = Column("tenant", Kind.CATEGORY, "tenant name from schedule.yaml")


def _module_columns() -> tuple[Column, ...]:
    columns: list[Column] = []
    for module in MODULES:
        columns += [
            Column(f"{module}_state", Kind.CATEGORY, f"{module}: configured state (intent); empty: not returned", nullable=True),
            Column(f"{module}_status", Kind.CATEGORY, f"{module}: moduleStatus.agentStatus (reality)", nullable=True),
            Column(f"{module}_message", Kind.TEXT, f"{module}: moduleStatus.agentStatusMessage", nullable=True),
        ]
    return tuple(columns)


WP_COMPUTERS = Table(
    "wp_computers",
    "Computers, as WP knows them; several may stand for one instance",
    ("tenant", "computer_id"),
    (
        TENANT,
        Column("computer_id", Kind.INTEGER, "WP's computer id"),
        Column("host_name", Kind.TEXT, "host name", nullable=True),
        Column("display_name", Kind.TEXT, "display name", nullable=True),
        Column("account", Kind.CATEGORY, "AWS account id of its EC2 or no-connector summary", nullable=True),
        Column("instance_id", Kind.TEXT, "lower-cased EC2 instance id of its EC2 or no-connector summary", nullable=True),
        Column("summary", Kind.CATEGORY, "ec2, no_connector; empty: neither", nullable=True),
        Column("policy_id", Kind.INTEGER, "assigned policy", nullable=True),
        Column("agent_status", Kind.CATEGORY, "active, warning, error, inactive, not-supported, or a newer word", nullable=True),
        Column("agent_messages", Kind.TEXTS, "agentStatusMessages"),
        Column("has_agent", Kind.FLAG, "it has an agent fingerprint"),
        Column("agent_version", Kind.CATEGORY, "agent version", nullable=True),
        Column("platform", Kind.CATEGORY, "platform text", nullable=True),
        Column("last_contact", Kind.TIME, "lastAgentCommunication", nullable=True),
        Column("last_policy_request", Kind.TIME, "lastSendPolicyRequest", nullable=True),
        Column("last_policy_success", Kind.TIME, "lastSendPolicySuccess", nullable=True),
        Column("ips_rule_ids", Kind.INTEGERS, "rules effective on the computer (inherited ones included)"),
        Column("last_integrity_scan", Kind.TIME, "lastIntegrityScan", nullable=True),
        Column("update_status", Kind.CATEGORY, "securityUpdates.updateStatus.status", nullable=True),
        Column("update_message", Kind.TEXT, "securityUpdates.updateStatus.statusMessage", nullable=True),
        *_module_columns(),
    ),
)

WP_RECOMMENDATIONS = Table(
    "wp_recommendations",
    "Recommendation scan of computers with an agent",
    ("tenant", "computer_id"),
    (
        TENANT,
        Column("computer_id", Kind.INTEGER, "WP's computer id"),
        Column("scan_status", Kind.CATEGORY, "none, valid, out-of-date, unknown"),
        Column("last_scan", Kind.TIME, "lastRecommendationScanDate", nullable=True),
        Column("to_assign", Kind.INTEGERS, "recommendedToAssignRuleIDs"),
        Column("to_unassign", Kind.INTEGERS, "recommendedToUnassignRuleIDs"),
    ),
)

WP_POLICIES = Table(
    "wp_policies",
    "Policies with their inheritance",
    ("tenant", "policy_id"),
    (
        TENANT,
        Column("policy_id", Kind.INTEGER, "WP's policy id"),
        Column("parent_id", Kind.INTEGER, "parent policy", nullable=True),
        Column("name", Kind.TEXT, "policy name"),
        Column("auto_requires_update", Kind.FLAG, "changes are sent to computers by themselves", nullable=True),
        Column("ips_state", Kind.CATEGORY, "prevent, detect, off", nullable=True),
        Column("ips_rule_ids", Kind.INTEGERS, "assigned rules, inherited ones included"),
    ),
)

WP_POLICY_RULES = Table(
    "wp_policy_rules",
    "IPS rules as a policy has them: a rule may be set to detect there",
    ("tenant", "policy_id", "rule_id"),
    (
        TENANT,
        Column("policy_id", Kind.INTEGER, "WP's policy id"),
        Column("rule_id", Kind.INTEGER, "tenant-local rule id"),
        Column("detect_only", Kind.FLAG, "detect only on this policy"),
    ),
)

WP_RULES = Table(
    "wp_rules",
    "Intrusion prevention rules; the identifier is global, the id is the tenant's own",
    ("tenant", "rule_id"),
    (
        TENANT,
        Column("rule_id", Kind.INTEGER, "tenant-local rule id"),
        Column("identifier", Kind.CATEGORY, "the vendor's identifier, for example 1006012", nullable=True),
        Column("name", Kind.TEXT, "rule name"),
        Column("type", Kind.CATEGORY, "custom, smart, vulnerability, exploit, hidden, policy, info, or a newer word"),
        Column("severity", Kind.CATEGORY, "low, medium, high, critical", nullable=True),
        Column("cves", Kind.TEXTS, "well-formed CVE ids, normalised, sorted"),
        Column("odd_cves", Kind.TEXTS, "entries of the CVE field that are no CVE id"),
        Column("application_type_id", Kind.INTEGER, "application type", nullable=True),
        Column("detect_only", Kind.FLAG, "the rule itself only detects"),
        Column("depends_on", Kind.INTEGERS, "rules that come along"),
    ),
)

WP_APPLICATION_TYPES = Table(
    "wp_application_types",
    "Application types of IPS rules",
    ("tenant", "application_type_id"),
    (
        TENANT,
        Column("application_type_id", Kind.INTEGER, "tenant-local id"),
        Column("name", Kind.TEXT, "name, for example Web Server Common"),
    ),
)

WP_ROLES = Table(
    "wp_roles",
    "The API key in use and its role: a narrowed role hides computers without saying so",
    ("tenant",),
    (
        TENANT,
        Column("key_name", Kind.TEXT, "name of the API key (never the key)", nullable=True),
        Column("key_expires", Kind.TIME, "expiry of the key", nullable=True),
        Column("role_name", Kind.TEXT, "role", nullable=True),
        Column("all_computers", Kind.FLAG, "the role sees every computer", nullable=True),
        Column("all_policies", Kind.FLAG, "the role sees every policy", nullable=True),
    ),
)
