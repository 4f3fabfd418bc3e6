"""The server that the whole-run benchmarks use: the reporter's sources read it, and it counts what it was asked."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from bench.calls import least
from bench.estate.running import Running, serving
from bench.estate.size import Size
from bench.latency import budgets
from reporter.clients.aws import AwsClients
from reporter.clients.workload_protection import WpClient
from reporter.core.scope import GLOBAL, Reach
from reporter.core.table import Rows
from reporter.gather import discover

SIZE = Size(accounts=2, regions=2, instances=40, findings=1000, rules=60, policies=4)
ACCOUNT, REGION = SIZE.ids[0], SIZE.places[0]


@pytest.fixture(scope="module")
def server() -> Iterator[Running]:
    with serving(SIZE, latency=0.005) as running:
        yield running


@pytest.fixture
def read(server: Running, monkeypatch: pytest.MonkeyPatch) -> dict[str, Rows]:
    """What each source reads of the first account's first region, of its global services, and of the tenant."""
    for name, value in server.environment.items():
        monkeypatch.setenv(name, value)
    server.log(forget=True)
    aws, wp = AwsClients(), WpClient("main", server.wp_url, "api-key", "bench", calls_per_minute=10_000)
    role = f"arn:aws:iam::{ACCOUNT}:role/reporter-read"
    found = {}
    for source in discover():
        place = REGION if source.reach is Reach.REGIONAL else GLOBAL
        reader = wp.reader(source.name) if source.reach is Reach.TENANT else aws.reader(ACCOUNT, place, source.name, role)
        found[source.name] = source.fetch(reader)
    return found


def test_every_source_reads_it(read: dict[str, Rows], server: Running) -> None:
    assert server.log()["unanswered"] == []
    assert len(read["ec2"]["ec2_instances"]) == SIZE.instances / 4
    assert len(read["inspector"]["inspector_findings"]) == SIZE.findings / 4
    assert len(read["inspector"]["inspector_coverage"]) == SIZE.instances / 4
    assert len(read["wp_rules"]["wp_rules"]) == SIZE.rules
    assert len(read["wp_recommendations"]["wp_recommendations"]) == len(read["wp_computers"]["wp_computers"])


def test_it_counts_calls_by_account_service_and_operation(read: dict[str, Rows], server: Running) -> None:
    del read
    calls = {(account, service, operation): count for account, service, operation, count in server.log()["calls"]}
    assert calls[(ACCOUNT, "inspector2", "ListFindings")] == 3
    assert calls[("900000000000", "sts", "AssumeRole")] == 1
    assert calls[("main", "wp", "GET /policies/{id}/intrusionprevention/rules")] == SIZE.policies


def test_it_counts_what_is_under_way_at_once(read: dict[str, Rows], server: Running) -> None:
    del read
    pace = {(account, service): (most, seconds) for account, service, most, seconds in server.log()["pace"]}
    assert pace[(ACCOUNT, "ec2")][0] == 1
    assert sum(pace[(ACCOUNT, "inspector2")][1].values()) == 6
    assert 1 < pace[("main", "wp")][0] <= 8


def test_roles_are_assumed_within_the_budget_of_the_caller(server: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in server.environment.items():
        monkeypatch.setenv(name, value)
    server.log(forget=True)
    aws = AwsClients(concurrency=2)
    with ThreadPoolExecutor(8) as threads:
        list(
            threads.map(
                lambda account: aws.enabled_regions(account, f"arn:aws:iam::{account}:role/reporter-read"), map(str, range(10**11, 10**11 + 8))
            )
        )
    assert {account: most for account, service, most, _ in server.log()["pace"] if service == "sts"} == {"900000000000": 2}


def test_the_least_number_of_calls_follows_from_the_sizes() -> None:
    needed = least(SIZE)
    assert needed[("inspector2", "ListFindings")] == 4 * 3  # 250 findings in each of four places, 100 a page
    assert needed[("ec2", "DescribeInstances")] == 4
    assert needed[("wp", "POST /intrusionpreventionrules/search")] == 2


def test_the_longest_queue_is_what_a_budget_takes() -> None:
    log = {"calls": [["1", "ec2", "DescribeInstances", 5], ["1", "ec2", "DescribeRegions", 4], ["main", "wp", "GET /roles/1", 8]]}
    assert budgets(log) == {("1", "ec2"): pytest.approx(0.3), ("main", "wp"): pytest.approx(0.1)}
