from __future__ import annotations

import pytest

from reporter.core.errors import ScheduleError
from reporter.preflight import Finding, preflight
from reporter.schedule import Schedule, parse
from tests.aws_answers import identity, refused, refused_by_ec2, regions
from tests.clients.aws_server import Answer, AwsServer, Request, error, server
from tests.clients.wp_sandbox import KEY, Tenant, tenant

__all__ = ["server", "tenant"]

A, B = "111122223333", "444455556666"
ROLE = f"arn:aws:iam::{B}:role/reporter-read"


@pytest.fixture(autouse=True)
def _ready(server: AwsServer, tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything is as it should be; a test then breaks one thing."""
    monkeypatch.setenv("WP_API_KEY", KEY)
    server.on("GetCallerIdentity", identity(A))
    server.on("DescribeRegions", regions("eu-central-1"))


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
    return [(finding.what, finding.seen, finding.fix) for finding in findings if not finding.good]


def test_every_way_in_is_tried_and_good(server: AwsServer, tenant: Tenant) -> None:
    assert preflight(schedule(tenant)) == [
        Finding("schedule", True, "valid"),
        Finding("AWS endpoint", True, f"overridden: calls go to {server.url}, every output will say so"),
        Finding("AWS caller", True, f"account {A}"),
        Finding(f"account {A}", True, f"arn:aws:sts::{A}:assumed-role/reporter-read/reporter"),
        Finding("Workload Protection main", True, "role Full Access sees every computer and policy"),
    ]


def test_it_changes_nothing_and_reads_no_source(server: AwsServer, tenant: Tenant) -> None:
    preflight(schedule(tenant))
    assert {request.key for request in server.requests} == {"GetCallerIdentity", "DescribeRegions"}
    assert tenant.paths() == ["/apikeys/current", "/roles/1"]


def test_without_an_override_none_is_named(tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true")
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")  # nothing listens there: AWS itself is never asked
    monkeypatch.delenv("NO_PROXY", raising=False)
    assert [finding.what for finding in preflight(schedule(tenant))] == ["schedule", "AWS", "Workload Protection main"]


def test_what_is_asked_for_and_not_done_is_said(tenant: Tenant) -> None:
    found = preflight(schedule(tenant, "deliver: {s3: {bucket: b}}"))
    assert found[1] == Finding("delivery", True, "deliver.s3: the files are written here, this version sends them nowhere")


def test_a_caller_that_is_refused_is_said_and_the_tenants_are_still_tried(server: AwsServer, tenant: Tenant) -> None:
    server.on("GetCallerIdentity", refused("InvalidClientTokenId"))
    found = preflight(schedule(tenant))
    assert [what for what, _, _ in bad(found)] == ["AWS"]
    assert found[-1].what == "Workload Protection main"


def test_a_role_that_cannot_be_assumed_names_what_to_grant(server: AwsServer, tenant: Tenant) -> None:
    server.on("AssumeRole", refused())
    found = preflight(schedule(tenant, accounts=f', {{id: "{B}", role: "{ROLE}"}}'))
    (account, other) = bad(found)
    assert (account[0], "sts:AssumeRole" in account[2]) == (f"account {B}", True)
    assert other[0] == f"regions of {B}"


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
    ((what, seen, fix),) = bad(preflight(schedule(tenant)))
    assert what == "Workload Protection main"
    assert seen == "role Auditor does not see every computer and policy: instances without a computer stay unknown, key expires 2027-01-01"
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
    ((what, seen, _),) = bad(preflight(schedule(tenant, "state: s3://state/prod")))
    assert (what, "each machine signs with a key of its own" in seen) == ("evidence key", True)


def test_a_secret_that_is_missing_is_a_mistake_of_the_schedule(tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WP_API_KEY")
    with pytest.raises(ScheduleError, match="WP_API_KEY is not set"):
        preflight(schedule(tenant))
