from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from reporter.core.errors import ScheduleError
from reporter.core.evaluation import CHECKS, rule_name
from reporter.core.permission import By
from reporter.evidence.key import fingerprint, own_key
from reporter.permissions import statements
from reporter.preflight import preflight, table
from reporter.preflight.finding import Finding, State, ok
from reporter.schedule import Schedule, parse
from tests.aws_answers import all_on, identity, inspector, refused, refused_by_ec2, regions, simulated
from tests.clients.aws_server import HTML, Answer, AwsServer, Request, error, page, server
from tests.clients.smtp_server import SmtpServer, mail_certificate, smtp
from tests.clients.wp_sandbox import KEY, Tenant, tenant

__all__ = ["mail_certificate", "server", "smtp", "tenant"]

A, B = "111122223333", "444455556666"
NOW = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)
ROLE = f"arn:aws:iam::{B}:role/reporter-read"


@pytest.fixture(autouse=True)
def _ready(server: AwsServer, tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything is as it should be; a test then breaks one thing."""
    monkeypatch.setenv("WP_API_KEY", KEY)
    server.on("GetCallerIdentity", identity(A))
    server.on("DescribeRegions", regions("eu-central-1"))
    all_on(server, A)


def schedule(tenant: Tenant, more: str = "", accounts: str = "") -> Schedule:
    return parse(
        f"""
jobs: {{nightly: {{schedule: "cron(0 3 * * ? *)"}}}}
aws: {{accounts: [{{id: "{A}"}}{accounts}], regions: [eu-central-1], max_attempts: 1}}
workload_protection: [{{name: main, url: "{tenant.url}", key: "env:WP_API_KEY", patience: 0}}]
{more}""",
        "here",
    )


def bad(findings: list[Finding]) -> list[tuple[str, str, str]]:
    return [(finding.what, finding.seen, finding.fix) for finding in findings if finding.bad]


def test_every_way_in_is_tried_and_good(server: AwsServer, tenant: Tenant) -> None:
    wanted = {action for said in statements(schedule(tenant), By.READ) for action in said["Action"]}
    assert preflight(schedule(tenant)) == [
        ok("schedule", "valid"),
        ok("AWS endpoint", f"overridden: calls go to {server.url}, every output will say so"),
        ok("AWS caller", f"account {A}"),
        ok(f"account {A}", f"arn:aws:sts::{A}:assumed-role/reporter-read/reporter"),
        ok(f"permissions to read in {A}", f"arn:aws:iam::{A}:role/reporter-read may do all {len(wanted)} actions"),
        *(ok(f"{name} in {A}", "on in eu-central-1") for name in ("AWS Config", "GuardDuty", "Inspector", "Macie")),
        ok("Workload Protection main", "role Full Access sees every computer and policy"),
        ok("key of main", "does not expire"),
        ok("AWS connectors of main", "there is none: only computers with an agent are known"),
    ]


def test_without_an_override_none_is_named(tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true")
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")  # nothing listens there: AWS itself is never asked
    monkeypatch.delenv("NO_PROXY", raising=False)
    assert [finding.what for finding in preflight(schedule(tenant))][:3] == ["schedule", "AWS", "Workload Protection main"]


def test_what_is_asked_for_and_not_done_is_said(tenant: Tenant) -> None:
    found = preflight(schedule(tenant, "deliver: {s3: {bucket: b}}"))
    assert found[1] == ok("delivery", "deliver.s3: the files are written here, this version sends them nowhere")


def test_a_caller_that_is_refused_is_said_and_the_tenants_are_still_tried(server: AwsServer, tenant: Tenant) -> None:
    server.on("GetCallerIdentity", refused("InvalidClientTokenId"))
    found = preflight(schedule(tenant))
    assert [what for what, _, _ in bad(found)] == ["AWS"]
    assert "Workload Protection main" in [finding.what for finding in found]


def test_a_role_that_cannot_be_assumed_names_what_to_grant(server: AwsServer, tenant: Tenant) -> None:
    server.on("AssumeRole", refused())
    found = preflight(schedule(tenant, accounts=f', {{id: "{B}", role: "{ROLE}"}}'))
    ((account, _, fix),) = bad(found)
    assert (account, "sts:AssumeRole" in fix, "external id" in fix) == (f"account {B}", True, True)


def test_credentials_of_another_account_are_not_good(server: AwsServer, tenant: Tenant) -> None:
    def answer(_: Request) -> object:
        return identity(A if len(server.asked("GetCallerIdentity")) == 1 else B)

    server.on("GetCallerIdentity", answer)  # type: ignore[arg-type]
    assert bad(preflight(schedule(tenant))) == [
        (f"account {A}", f"the credentials belong to account {B}", "give the account a role of its own"),
    ]


def test_regions_that_cannot_be_asked_name_the_permission(server: AwsServer, tenant: Tenant) -> None:
    server.on("DescribeRegions", refused_by_ec2())
    ((what, _, fix),) = bad(preflight(schedule(tenant)))
    assert (what, fix) == (f"regions of {A}", "grant ec2:DescribeRegions")


def test_a_region_that_the_schedule_leaves_out_is_no_fault_of_the_way(server: AwsServer, tenant: Tenant) -> None:
    server.on("DescribeRegions", regions("eu-central-1", "us-east-1"))
    assert bad(preflight(schedule(tenant))) == []


def test_a_narrowed_role_is_not_good_because_instances_would_stay_unknown(tenant: Tenant) -> None:
    tenant.seed("roles", {"ID": 4, "name": "Auditor", "allComputers": False, "allPolicies": True})
    tenant.seed("api_key", {"roleID": 4, "expiryDate": 1798761600000})
    found = preflight(schedule(tenant), NOW)
    ((what, seen, fix),) = bad(found)
    assert what == "Workload Protection main"
    assert seen == "role Auditor does not see every computer and policy: instances without a computer stay unknown"
    assert ok("key of main", "expires 2027-01-01") in found
    assert "all computers" in fix


@pytest.mark.parametrize(
    ("fault", "fix"),
    [("access_denied", "grant: view API keys"), ("expired", "grant: a valid API key"), ("throttle", "the URL, and the way to it")],
)
def test_a_tenant_that_cannot_be_read_says_what_to_change(tenant: Tenant, fault: str, fix: str) -> None:
    tenant.fault(fault)
    ((what, _, found),) = bad(preflight(schedule(tenant)))
    assert (what, found) == ("Workload Protection main", fix)


def test_an_answer_that_nobody_foresaw_is_a_line_not_a_crash(tenant: Tenant) -> None:
    tenant.seed("api_key", {"expiryDate": 10**18})
    ((what, seen, _),) = bad(preflight(schedule(tenant)))
    assert what == "Workload Protection main"
    assert seen.startswith("the answer could not be understood")


def test_a_bucket_that_cannot_keep_packs_and_a_key_that_cannot_sign_are_said(server: AwsServer, tenant: Tenant) -> None:
    lock = b"<ObjectLockConfiguration><ObjectLockEnabled>Enabled</ObjectLockEnabled></ObjectLockConfiguration>"
    plain, none = Answer(b"<VersioningConfiguration/>", 200, "application/xml"), Answer(b"<Error><Code>NoSuchEncryption</Code></Error>", 404)
    versioned = Answer(b"<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>", 200, "application/xml")
    unlocked = Answer(b"<Error><Code>ObjectLockConfigurationNotFoundError</Code></Error>", 404, "application/xml")
    encrypted = Answer(b"<ServerSideEncryptionConfiguration/>", 200, "application/xml")
    server.on("DescribeKey", error("AccessDeniedException"))
    named = schedule(tenant, 'evidence: {key: "kms:alias/seal", store: "s3://packs/prod"}')
    for first, second, third, seen in (
        (plain, Answer(lock, 200, "application/xml"), encrypted, "the bucket has no versioning: a pack could be replaced unseen"),
        (versioned, unlocked, encrypted, "the bucket has no Object Lock: a pack could be deleted"),
        (versioned, unlocked, none, "the pack cannot be stored: s3:GetBucketEncryption at s3://packs/prod"),
    ):
        server.on("GET /packs", first, second, third)
        key, store = bad(preflight(named))
        assert (key[0], key[2]) == ("evidence key", "grant kms:DescribeKey on the key to the job")
        assert (store[0], store[1].startswith(seen)) == ("evidence store", True)


def test_a_state_in_a_bucket_wants_a_key_that_all_machines_share(tenant: Tenant) -> None:
    ((what, seen, _), _) = bad(preflight(schedule(tenant, "state: s3://state/prod")))
    assert (what, "each machine signs with a key of its own" in seen) == ("evidence key", True)


def test_a_signing_key_in_a_file_is_read(tenant: Tenant, tmp_path: Path) -> None:
    named = schedule(tenant, f'evidence: {{key: "file:{tmp_path}/seal.pem"}}')
    ((what, seen, _),) = bad(preflight(named))
    assert (what, seen) == ("evidence key", "the signing key cannot be read: No such file or directory")
    local = own_key(tmp_path / "seal.pem")
    (row,) = [row for row in preflight(named) if row.what == "evidence key"]
    assert row == ok("evidence key", f"{tmp_path}/seal.pem is read, its fingerprint {fingerprint(local.public_key())}")


def test_a_secret_that_is_missing_is_a_mistake_of_the_schedule(tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WP_API_KEY")
    with pytest.raises(ScheduleError, match="WP_API_KEY is not set"):
        preflight(schedule(tenant))


def test_actions_that_the_role_may_not_do_are_named_with_the_reason(server: AwsServer, tenant: Tenant) -> None:
    server.on("SimulatePrincipalPolicy", simulated("ecs:ListTasks", decision="explicitDeny"))
    ((what, seen, fix),) = bad(preflight(schedule(tenant)))
    assert (what, fix) == (f"permissions to read in {A}", "grant them: reporter permissions --read")
    assert seen == f"arn:aws:iam::{A}:role/reporter-read may not: ecs:ListTasks (a policy denies it)"


def test_where_iam_does_not_simulate_nothing_is_said_of_the_permissions(server: AwsServer, tenant: Tenant) -> None:
    server.on("SimulatePrincipalPolicy", Answer(HTML, 503, "text/html"))
    (row,) = [row for row in preflight(schedule(tenant)) if row.bad]
    assert (row.what, row.state) == (f"permissions to read in {A}", State.UNKNOWN)


@pytest.mark.parametrize(
    ("key", "answer", "what", "seen"),
    [
        ("GET /detector", page(detectorIds=[]), "GuardDuty", "no detector in eu-central-1"),
        ("GET /detector/d", page(status="DISABLED", serviceRole="r"), "GuardDuty", "suspended in eu-central-1"),
        ("POST /status/batch/get", inspector(A, {"status": "DISABLED"}), "Inspector", "does not scan EC2, ECR, Lambda in eu-central-1"),
        ("DescribeConfigurationRecorderStatus", page(ConfigurationRecordersStatus=[]), "AWS Config", "no recorder in eu-central-1"),
    ],
)
def test_a_service_that_is_off_is_said_with_its_region(server: AwsServer, tenant: Tenant, key: str, answer: Answer, what: str, seen: str) -> None:
    server.on(key, answer)
    (row,) = [row for row in preflight(schedule(tenant)) if row.bad]
    assert (row.what, row.seen, row.state) == (f"{what} in {A}", seen, State.FAIL)


def test_macie_is_asked_for_only_where_there_is_a_bucket(server: AwsServer, tenant: Tenant) -> None:
    server.on("GET /macie", error("AccessDeniedException", "Macie is not enabled.", 403))
    buckets = "<ListAllMyBucketsResult><Buckets>{}</Buckets></ListAllMyBucketsResult>"
    for inner, rows in (("", 0), ("<Bucket><Name>b</Name></Bucket>", 1)):
        server.on("GET /", Answer(buckets.format(inner).encode(), 200, "application/xml"))
        assert len(bad(preflight(schedule(tenant)))) == rows


HUB = page(HubArn=f"arn:aws:securityhub:eu-central-1:{A}:hub/default")
OFF = error("InvalidAccessException", "Account is not subscribed to AWS Security Hub", 401)


@pytest.mark.parametrize(
    ("answer", "state", "seen"),
    [
        (HUB, State.OK, "on in eu-central-1, us-east-1"),
        (OFF, State.FAIL, "securityhub:DescribeHub in 111122223333 eu-central-1: InvalidAccessException"),
        (error("AccessDeniedException", "no", 403), State.FAIL, "securityhub:DescribeHub in 111122223333 eu-central-1: AccessDenied"),
        (page(), State.UNKNOWN, ""),
        (Answer(HTML, 503, "text/html"), State.UNKNOWN, ""),
    ],
)
def test_a_security_hub_that_findings_go_to_is_asked_for(server: AwsServer, tenant: Tenant, answer: Answer, state: State, seen: str) -> None:
    assert not any("Security Hub" in row.what for row in preflight(schedule(tenant)))
    server.on("GET /accounts", answer)
    (row,) = [row for row in preflight(schedule(tenant, "deliver: {security_hub: {}}")) if row.what == f"Security Hub in {A}"]
    assert (row.state, row.seen.startswith(seen), bool(row.fix)) == (state, True, row.bad)


def rules(*names: str, owner: str = "CUSTOM_LAMBDA") -> Answer:
    return page(ConfigRules=[{"ConfigRuleName": name, "Source": {"Owner": owner, "SourceIdentifier": "x"}} for name in names])


def test_rules_that_do_not_stand_where_config_is_to_ask_are_named(server: AwsServer, tenant: Tenant) -> None:
    names = [rule_name("ours-", check) for check in CHECKS]
    for answer, seen in (
        (rules(*names), ""),
        (rules(*names, owner="AWS"), "11 rules do not stand in eu-central-1: ours-activity-monitoring-active and 10 more"),
        (rules(*names[:-1]), "1 rule does not stand in eu-central-1: ours-web-reputation-active"),
    ):
        server.on("DescribeConfigRules", answer)
        found = bad(preflight(schedule(tenant, "deliver: {config_rules: {prefix: ours-}}")))
        wanted = [(f"rules of AWS Config in {A}", seen, "deploy what reporter stack --member prints")] if seen else []
        assert found == wanted


def test_a_service_that_does_not_answer_is_neither_on_nor_off(server: AwsServer, tenant: Tenant) -> None:
    server.on("GET /detector", Answer(HTML, 503, "text/html"))
    (row,) = [row for row in preflight(schedule(tenant)) if row.bad]
    assert (row.what, row.state) == (f"GuardDuty in {A}", State.UNKNOWN)


@pytest.mark.parametrize(("hours", "rows"), [(23, 0), (25, 1)])
def test_a_connector_that_has_not_read_its_account_for_a_day_is_named(tenant: Tenant, hours: int, rows: int) -> None:
    last = int((NOW - timedelta(hours=hours)).timestamp() * 1000)
    tenant.seed("aws_connectors", {"ID": 1, "accountId": B, "lastSyncTime": last})
    found = bad(preflight(schedule(tenant), NOW))
    assert len(found) == rows
    assert all(B in seen for _, seen, _ in found)


def test_connectors_that_may_not_be_seen_name_the_right(tenant: Tenant) -> None:
    tenant.fault("access_denied", path="/awsconnectors")
    ((what, _, fix),) = bad(preflight(schedule(tenant)))
    assert (what, fix) == ("AWS connectors of main", "grant view AWS connectors")


def test_a_key_that_ends_within_two_weeks_is_renewed_now(tenant: Tenant) -> None:
    tenant.seed("api_key", {"expiryDate": int((NOW + timedelta(days=13)).timestamp() * 1000)})
    assert bad(preflight(schedule(tenant), NOW)) == [
        ("key of main", "expires 2026-12-07", "make a new key, and put it where the schedule's key points to")
    ]


def test_what_only_a_write_would_show_is_said_and_is_no_fault() -> None:
    rows = [Finding("writes of the job", State.NOT_TRIED, "only a write would show it: s3:PutObject"), Finding("a", State.FAIL, "b", "c")]
    assert table(rows) == [
        "not tried  writes of the job  only a write would show it: s3:PutObject",
        "FAIL       a                  b",
        f"{'':<30}change: c",
    ]


def test_the_mail_server_is_spoken_to_up_to_the_mail_itself(tenant: Tenant, smtp: SmtpServer) -> None:
    mail = f"deliver: {{email: {{sender: reporter@example.com, smtp: {{host: 127.0.0.1, port: {smtp.port}, security: none}}}}}}"
    assert bad(preflight(schedule(tenant, mail))) == []
    assert [line.split()[0].upper() for line in smtp.lines] == ["EHLO", "NOOP"]
    smtp.cut = "connect"
    ((what, _, _),) = bad(preflight(schedule(tenant, mail)))
    assert what == f"mail server 127.0.0.1:{smtp.port}"
