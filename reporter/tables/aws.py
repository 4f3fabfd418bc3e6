"""Tables of what AWS says about machines, containers, the web edge, identities and buckets."""

from __future__ import annotations

from reporter.core.table import Column, Kind, Table

ACCOUNT = Column("account", Kind.CATEGORY, "account id, 12 digits")
REGION = Column("region", Kind.CATEGORY, "region, or global")
TAGS = Column("tags", Kind.TEXT, "tags as a JSON object with sorted keys; {} if none")


def _t(name: str, about: str, nullable: bool = False) -> Column:
    return Column(name, Kind.TEXT, about, nullable)


def _c(name: str, about: str, nullable: bool = False) -> Column:
    return Column(name, Kind.CATEGORY, about, nullable)


def _flag(name: str, about: str, nullable: bool = False) -> Column:
    return Column(name, Kind.FLAG, about, nullable)


def _list(name: str, about: str) -> Column:
    return Column(name, Kind.TEXTS, about)


EC2_INSTANCES = Table(
    "ec2_instances",
    "EC2 instances that are not terminated",
    ("account", "region", "instance_id"),
    (
        ACCOUNT,
        REGION,
        _t("instance_id", "lower-cased instance id"),
        _c("state", "pending, running, stopping, stopped, shutting-down"),
        _c("instance_type", "for example t3.micro", nullable=True),
        _t("image_id", "AMI", nullable=True),
        Column("launch_time", Kind.TIME, "last launch", nullable=True),
        _t("vpc_id", "VPC", nullable=True),
        _t("private_ip", "primary private IPv4", nullable=True),
        _t("public_ip", "public IPv4", nullable=True),
        _t("instance_profile_arn", "ARN of the instance profile", nullable=True),
        TAGS,
    ),
)

EC2_NETWORK_INTERFACES = Table(
    "ec2_network_interfaces",
    "Elastic network interfaces: which instance an IP address belongs to",
    ("account", "region", "eni_id"),
    (
        ACCOUNT,
        REGION,
        _t("eni_id", "network interface id"),
        _t("instance_id", "lower-cased instance id it is attached to", nullable=True),
        _c("vpc_id", "VPC", nullable=True),
        _list("private_ips", "all private IPv4 addresses"),
        _c("interface_type", "interface, branch, load_balancer, ...", nullable=True),
    ),
)

EC2_AUTO_SCALING_GROUPS = Table(
    "ec2_auto_scaling_groups",
    "Auto Scaling groups: their instances and the load balancers they register them with",
    ("account", "region", "name"),
    (
        ACCOUNT,
        REGION,
        _t("name", "group name"),
        _list("instance_ids", "lower-cased instance ids"),
        _list("target_group_arns", "target groups (v2)"),
        _list("load_balancer_names", "classic load balancers"),
    ),
)

ECS_CONTAINER_INSTANCES = Table(
    "ecs_container_instances",
    "Container instance -> EC2 instance",
    ("account", "region", "container_instance_arn"),
    (
        ACCOUNT,
        REGION,
        _t("cluster_arn", "cluster"),
        _t("container_instance_arn", "container instance"),
        _t("instance_id", "lower-cased EC2 instance id (or managed-instance id)"),
        _c("status", "ACTIVE, DRAINING, ..."),
    ),
)

ECS_TASKS = Table(
    "ecs_tasks",
    "Tasks that are not stopped",
    ("account", "region", "task_arn"),
    (
        ACCOUNT,
        REGION,
        _t("cluster_arn", "cluster"),
        _t("task_arn", "task"),
        _t("task_definition_arn", "task definition"),
        _c("launch_type", "EC2, FARGATE, EXTERNAL", nullable=True),
        _c("last_status", "RUNNING, PENDING, ..."),
        _t("container_instance_arn", "container instance; empty on Fargate", nullable=True),
        _t("task_role_arn", "role the containers use (override, else the task definition's)", nullable=True),
        _t("service_name", "service that started it", nullable=True),
        _list("private_ips", "addresses of its own interfaces (awsvpc)"),
    ),
)

ECS_CONTAINERS = Table(
    "ecs_containers",
    "Containers of tasks that are not stopped",
    ("account", "region", "task_arn", "name"),
    (
        ACCOUNT,
        REGION,
        _t("task_arn", "task"),
        _t("name", "container name"),
        _t("image", "image reference", nullable=True),
        _t("image_digest", "sha256:...", nullable=True),
        _c("last_status", "RUNNING, ...", nullable=True),
    ),
)

ECS_SERVICES = Table(
    "ecs_services",
    "Services and the target groups or classic load balancers before them",
    ("account", "region", "service_arn"),
    (
        ACCOUNT,
        REGION,
        _t("cluster_arn", "cluster"),
        _t("service_arn", "service"),
        _t("service_name", "service name"),
        _list("target_group_arns", "target groups"),
        _list("load_balancer_names", "classic load balancers"),
    ),
)

LOAD_BALANCERS = Table(
    "load_balancers",
    "Load balancers, classic and v2",
    ("account", "region", "type", "name"),
    (
        ACCOUNT,
        REGION,
        _t("arn", "ARN; empty for classic", nullable=True),
        _t("name", "name"),
        _c("type", "application, network, gateway, classic"),
        _c("scheme", "internet-facing or internal"),
        _t("dns_name", "lower-cased DNS name", nullable=True),
        _c("vpc_id", "VPC", nullable=True),
    ),
)

TARGET_GROUPS = Table(
    "target_groups",
    "Target groups of all four kinds",
    ("account", "region", "arn"),
    (
        ACCOUNT,
        REGION,
        _t("arn", "target group ARN"),
        _c("target_type", "instance, ip, lambda, alb"),
        _list("load_balancer_arns", "load balancers that forward to it"),
        _c("vpc_id", "VPC", nullable=True),
    ),
)

TARGETS = Table(
    "targets",
    "Registered targets, of target groups and of classic load balancers",
    ("account", "region", "behind", "target_id", "port"),
    (
        ACCOUNT,
        REGION,
        _t("behind", "target group ARN, or the classic load balancer's name"),
        _t("target_id", "instance id (lower-cased), IP address, function ARN or ALB ARN"),
        Column("port", Kind.INTEGER, "port", nullable=True),
        _c("health", "healthy, unhealthy, InService, ...", nullable=True),
    ),
)

DISTRIBUTIONS = Table(
    "distributions",
    "CloudFront distributions",
    ("account", "arn"),
    (
        ACCOUNT,
        REGION,
        _t("arn", "distribution ARN"),
        _t("domain_name", "dXXXX.cloudfront.net"),
        _flag("enabled", "serves traffic"),
        _t("web_acl", "web ACL: ARN (v2), or bare id (WAF Classic); empty: none", nullable=True),
        _list("origin_domains", "lower-cased origin domain names"),
    ),
)

WEB_ACLS = Table(
    "web_acls",
    "WAFv2 web ACLs; region is global for the CLOUDFRONT scope",
    ("account", "region", "arn"),
    (
        ACCOUNT,
        REGION,
        _c("waf_scope", "REGIONAL or CLOUDFRONT"),
        _t("arn", "web ACL ARN"),
        _t("id", "id"),
        _t("name", "name"),
        _c("default_action", "allow or block"),
        Column("capacity", Kind.INTEGER, "web ACL capacity units used", nullable=True),
        _c("managed_by", "firewall-manager, cloudformation, terraform; empty: nobody known", nullable=True),
        TAGS,
        _t("document", "the web ACL as JSON, as read"),
    ),
)

WEB_ACL_RULES = Table(
    "web_acl_rules",
    "Rules of web ACLs (Firewall Manager's groups before and after included)",
    ("account", "region", "web_acl_arn", "position", "priority", "name"),
    (
        ACCOUNT,
        REGION,
        _t("web_acl_arn", "web ACL"),
        _c("position", "first (Firewall Manager), own, last (Firewall Manager)"),
        Column("priority", Kind.INTEGER, "priority"),
        _t("name", "rule name"),
        _c("kind", "managed_rule_group, rule_group, other"),
        _t("vendor", "vendor of the managed rule group", nullable=True),
        _t("group_name", "name of the managed rule group", nullable=True),
        _t("version", "pinned version", nullable=True),
        _c("mode", "block (the group's own actions), count; other rules: their action"),
        _flag("narrowed", "a scope-down statement, an excluded rule or an action override weakens it"),
    ),
)

WEB_ACL_ASSOCIATIONS = Table(
    "web_acl_associations",
    "Which regional resource has which web ACL",
    ("account", "region", "resource_arn"),
    (
        ACCOUNT,
        REGION,
        _t("web_acl_arn", "web ACL"),
        _t("resource_arn", "load balancer, API, ... ARN"),
    ),
)

MANAGED_RULE_GROUPS = Table(
    "managed_rule_groups",
    "Managed rule groups on offer (AWS's, and vendors' that are subscribed)",
    ("account", "region", "vendor", "name"),
    (
        ACCOUNT,
        REGION,
        _c("waf_scope", "REGIONAL or CLOUDFRONT"),
        _t("vendor", "vendor"),
        _t("name", "group name"),
        _t("description", "the vendor's text", nullable=True),
    ),
)

IAM_ROLES = Table(
    "iam_roles",
    "IAM roles",
    ("account", "role_arn"),
    (
        ACCOUNT,
        REGION,
        _t("role_arn", "role ARN"),
        _t("name", "role name"),
        _t("path", "path"),
        _t("trust", "trust policy as JSON"),
        _t("boundary_arn", "permissions boundary", nullable=True),
        _t("boundary", "the boundary's document as JSON; empty: none, or it could not be read", nullable=True),
        _list("instance_profile_arns", "instance profiles that hold the role"),
    ),
)

IAM_ROLE_POLICIES = Table(
    "iam_role_policies",
    "Identity policies of roles, inline and attached",
    ("account", "role_arn", "policy"),
    (
        ACCOUNT,
        REGION,
        _t("role_arn", "role ARN"),
        _t("policy", "ARN of the attached policy, or inline:NAME"),
        _t("document", "document as JSON; empty: it could not be read", nullable=True),
    ),
)

S3_BUCKETS = Table(
    "s3_buckets",
    "Buckets, their policies and what blocks public access; `unread` names what could not be read of this one bucket",
    ("account", "name"),
    (
        ACCOUNT,
        REGION,
        _t("name", "bucket name"),
        _t("arn", "arn:aws:s3:::name"),
        _c("bucket_region", "region the bucket is in", nullable=True),
        _t("policy", "bucket policy as JSON; empty: none (see unread)", nullable=True),
        _flag("restrict_public_buckets", "bucket's own public access block: restrict", nullable=True),
        _flag("ignore_public_acls", "bucket's own public access block: ignore ACLs", nullable=True),
        _c("ownership", "BucketOwnerEnforced (ACLs off), BucketOwnerPreferred, ObjectWriter; empty: no control set", nullable=True),
        _list("acl_grants", "ACL grants as 'PERMISSION grantee', grantee a canonical id or group URI"),
        _list("unread", "parts that could not be read: policy, public_access_block, ownership, acl"),
        _t("owner_id", "canonical user id of the owner", nullable=True),
        _t("kms_key_arn", "default encryption key, if SSE-KMS", nullable=True),
    ),
)

S3_ACCOUNTS = Table(
    "s3_accounts",
    "The account's own public access block",
    ("account",),
    (
        ACCOUNT,
        REGION,
        _flag("restrict_public_buckets", "account-level public access block: restrict", nullable=True),
        _flag("ignore_public_acls", "account-level public access block: ignore ACLs", nullable=True),
        _t("canonical_id", "canonical user id, as ListBuckets names the owner", nullable=True),
    ),
)

ORGANIZATION_ACCOUNTS = Table(
    "organization_accounts",
    "Accounts of the organisation; no rows where the caller is in none",
    ("id",),
    (
        ACCOUNT,
        REGION,
        _t("id", "account id"),
        _t("name", "account name"),
        _c("status", "ACTIVE, SUSPENDED, ..."),
        _flag("management", "it is the management account"),
        _list("path", "root id, organisational unit ids, account id"),
    ),
)

ORGANIZATION_POLICIES = Table(
    "organization_policies",
    "Service and resource control policies, one row per target",
    ("policy_id", "target_id"),
    (
        ACCOUNT,
        REGION,
        _t("policy_id", "policy id"),
        _c("kind", "SERVICE_CONTROL_POLICY or RESOURCE_CONTROL_POLICY"),
        _t("name", "policy name"),
        _t("target_id", "root, organisational unit or account it is attached to"),
        _t("document", "document as JSON"),
    ),
)
