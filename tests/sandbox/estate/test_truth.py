from __future__ import annotations

import ast
from datetime import UTC, datetime
from pathlib import Path

import pytest

import reporter.sandbox.estate
from reporter.sandbox.estate.cloud import Ids
from reporter.sandbox.estate.draw import draw
from reporter.sandbox.estate.identity import ANY, EITHER, decision
from reporter.sandbox.estate.profiles import PROFILES
from reporter.sandbox.estate.spec import Bucket, Estate, Place, Role
from reporter.sandbox.estate.truth import Truth, patch_state, truth_of

NOW = datetime(2026, 11, 24, 3, tzinfo=UTC)
HERE, THERE, RESTRICTED = "111122223333", "222233334444", "444455556666"


def named(estate: Estate) -> Ids:
    """Ids as if poured: every key stands for itself."""
    ids = Ids()
    ids.instances = {i.key: f"i-{i.key}" for i in estate.instances}
    ids.clusters = {c.key: c.key for c in estate.clusters}
    ids.load_balancers = {b.key: b.key for b in estate.load_balancers}
    ids.distributions = {d.key: d.key for d in estate.distributions}
    return ids


@pytest.fixture(scope="module", params=["small", "demo"])
def truth(request: pytest.FixtureRequest) -> Truth:
    estate = draw(1, request.param, NOW)
    return truth_of(estate, named(estate))


@pytest.fixture(scope="module")
def small() -> Estate:
    return draw(1, "small", NOW)


def test_every_virtual_patch_state_occurs_but_unknown(truth: Truth) -> None:
    assert set(truth.counts["virtual_patches"]) == {
        "not_running",
        "unprotected",
        "prevented",
        "detect_only",
        "assigned_not_effective",
        "available",
        "generic_only",
        "no_rule",
    }


def test_every_protection_occurs_but_unknown(truth: Truth) -> None:
    assert set(truth.counts["instances"]) == {"unmanaged", "inactive", "offline", "no_policy", "protected"}


def test_allowed_and_conditional_ways_to_buckets_occur_by_profile_by_task_and_unused(truth: Truth) -> None:
    assert {"allowed", "conditional"} <= set(truth.counts["bucket_access"])
    assert {key[3] for key in truth.bucket_access} == {"instance_profile", "task_role", ""}


def test_findings_of_each_service_are_counted_with_samples_and_archived_ones_apart(truth: Truth) -> None:
    counts = truth.counts["findings"]
    for source in ("guardduty", "macie"):
        assert counts[source] > counts[f"{source} sample"] > 0
        assert counts[f"{source} archived"] > 0


def test_the_truth_is_written_in_the_same_bytes_each_time(truth: Truth) -> None:
    assert truth.as_json() == truth.as_json()
    assert truth.as_json().startswith('{\n "bucket_access"')


def imported(file: Path) -> list[str]:
    nodes = list(ast.walk(ast.parse(file.read_text(encoding="utf-8"))))
    plain = [alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names]
    return plain + [node.module or "" for node in nodes if isinstance(node, ast.ImportFrom)]


def test_the_truth_knows_nothing_of_joins_and_checks() -> None:
    folder = Path(reporter.sandbox.estate.__file__).parent
    for file in folder.glob("*.py"):
        for module in imported(file):
            assert not module.startswith(("reporter.joins", "reporter.checks", "reporter.sources")), file.name


@pytest.mark.parametrize(
    ("profile", "group", "state"),
    [
        ("web", "base", "prevented"),
        ("web", "web", "prevented"),
        ("web", "web_detect", "detect_only"),
        ("web", "webapp", "available"),
        ("webapp", "webapp", "prevented"),
        ("webapp", "rule_detect", "detect_only"),
        ("web", "free", "available"),
        ("web", "generic", "generic_only"),
        ("web", "none", "no_rule"),
        ("windows_detect", "windows", "detect_only"),
        ("legacy_off", "windows", "assigned_not_effective"),
        ("prevent_but_module_inactive", "linux", "assigned_not_effective"),
        ("policy_not_yet_sent", "linux", "assigned_not_effective"),
        ("rules_not_yet_on_agent", "lag", "assigned_not_effective"),
        ("rules_not_yet_on_agent", "linux", "prevented"),
        ("contact_long_ago", "linux", "assigned_not_effective"),
        ("contact_long_ago", "free", "available"),
        ("agent_in_warning", "linux", "prevented"),
        ("agent_inactive", "linux", "unprotected"),
        ("unmanaged", "none", "unprotected"),
        ("no_policy", "linux", "available"),
    ],
)
def test_a_cve_of_a_group_has_one_state_on_a_host_of_a_profile(small: Estate, profile: str, group: str, state: str) -> None:
    host = next(i for i in small.instances if i.profile == profile)
    assert patch_state(host, small.computers.get(host.key), group) == state


def test_profiles_without_a_computer_are_unmanaged() -> None:
    assert {p.protection.value for p in PROFILES.values() if not p.computer} == {"unmanaged"}


def bucket(policy: str = "none", role: str | None = None, *, kms: bool = False) -> Bucket:
    return Bucket("b", Place(HERE, "eu-central-1"), "b", policy, role, kms)


def role(grant: str, account: str = HERE, buckets: tuple[str, ...] = ("b",)) -> Role:
    return Role(f"{account}/r", account, "r", grant, buckets)


@pytest.mark.parametrize(
    ("who", "what", "expected"),
    [
        (role("all"), bucket(), "allowed"),
        (role("not_action"), bucket(), "allowed"),
        (role("aws_read_only"), bucket(), "allowed"),
        (role("one"), bucket(), "allowed"),
        (role("one", buckets=("other",)), bucket(), None),
        (role("conditional_one"), bucket(), "conditional"),
        (role("none"), bucket(), None),
        (role("bounded_out"), bucket(), None),
        (role("bounded_read"), bucket(), "allowed"),
        (role("deny_one"), bucket(), None),
        (role("deny_one", buckets=("other",)), bucket(), "allowed"),
        (role("all"), bucket("deny_role", f"{HERE}/r"), None),
        (role("all"), bucket("deny_others", f"{HERE}/r"), ANY),
        (role("all"), bucket("deny_vpce"), "conditional"),
        (role("all"), bucket("deny_insecure"), EITHER),
        (role("all"), bucket(kms=True), EITHER),
        (role("none"), bucket("allow_role", f"{HERE}/r"), "allowed"),
        (role("none"), bucket("public"), "allowed"),
        (role("bounded_out"), bucket("public"), ANY),
        (role("all", THERE), bucket(), None),
        (role("all", THERE), bucket("allow_root", f"{THERE}/x"), "allowed"),
        (role("none", THERE), bucket("allow_root", f"{THERE}/x"), None),
        (role("one", THERE), bucket("allow_conditional", f"{THERE}/r"), "conditional"),
        (role("all", THERE), bucket("public"), "allowed"),
        (role("all", RESTRICTED), bucket("public"), None),
    ],
)
def test_a_role_reaches_a_bucket_as_its_words_say(who: Role, what: Bucket, expected: str | None) -> None:
    assert decision(who, what, RESTRICTED) == expected
