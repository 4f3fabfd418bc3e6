from __future__ import annotations

import base64
import hashlib
import random
import re
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from reporter.core.consoles import HOSTS
from reporter.reports.page import LONGEST_CELL, REPORT, ROWS, render
from reporter.reports.view import View
from reporter.tables.deliveries import DELIVERIES
from reporter.tables.joined import BUCKET_ACCESS, EXCEPTIONS, INSTANCES, RESULTS, SCOPES, VIRTUAL_PATCHES, WEB_ENTRIES
from tests.reports.views import HOSTILE, TABLES, A, R, bare, empty, hostile, of, row, view

OURS = re.compile(
    "html|head|meta|title|style|body|a|header|div|p|h1|h2|h3|dl|dt|dd|time|strong|nav|main|section|span|svg|rect"
    "|figure|figcaption|details|summary|polyline|line"
    "|table|thead|tbody|tr|th|td|br|code|em|footer|script"
)
CONSOLE = re.compile(r"https://(?:[a-z0-9-]+\.)?(?:" + "|".join(re.escape(host) for host in HOSTS.values()) + r")/[A-Za-z0-9/?=&#%:._~-]+")


class _Parsed(HTMLParser):
    """Every element with its attributes, and the cells of tables."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.cells: list[str] = []
        self._inside = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self._inside = "cell link" if tag == "a" and self._inside == "td" else tag
        if tag == "td":
            self.cells.append("")

    def handle_endtag(self, tag: str) -> None:
        self._inside = "td" if tag == "a" and self._inside == "cell link" else ""

    def handle_data(self, data: str) -> None:
        if self._inside in ("td", "cell link"):
            self.cells[-1] += data


KNOWN = "i-0123456789abcdef0"
HEX = "0123456789abcdef0123456789abcdef"


def known(**changes: Any) -> View:
    """Everything that a console can show, by ids as AWS makes them."""
    finding, acl = f"arn:aws:inspector2:{R}:{A}:finding/{HEX}", f"arn:aws:wafv2:us-east-1:{A}:global/webacl/cdn/{HEX}"
    rows = {
        RESULTS: [row(RESULTS, resource=f"arn:aws:guardduty:{R}:{A}:detector/{HEX}/finding/{HEX}")],
        INSTANCES: [row(INSTANCES, instance_id=KNOWN)],
        VIRTUAL_PATCHES: [row(VIRTUAL_PATCHES, instance_id=KNOWN, finding_arn=finding)],
        BUCKET_ACCESS: [row(BUCKET_ACCESS, bucket="arn:aws:s3:::invoices", role_arn=f"arn:aws:iam::{A}:role/reader", instance_id=KNOWN)],
        WEB_ENTRIES: [
            row(WEB_ENTRIES, entry=f"arn:aws:cloudfront::{A}:distribution/I2DF350BUDHOU", region="global", web_acl=acl),
            row(WEB_ENTRIES, entry="old-one", type="classic_elb"),
        ],
    }
    return view({table.name: table.frame(found) for table, found in rows.items()}, **changes)


def cells(seen: Any) -> list[str]:
    return _Parsed(render(seen)).cells


@pytest.mark.parametrize("seen", [view(), hostile(), empty(), known()], ids=["plain", "hostile", "empty", "known"])
def test_only_our_own_elements_and_no_handler_style_or_address_but_of_sections_and_consoles(seen: Any) -> None:
    parsed = _Parsed(render(seen))
    assert [tag for tag, _ in parsed.elements if not OURS.fullmatch(tag)] == []
    assert [attributes for tag, attributes in parsed.elements if tag == "script"] == [{}]
    for tag, attributes in parsed.elements:
        assert not any(name.startswith("on") or name in ("style", "src", "srcset", "action", "formaction", "data") for name in attributes), tag
        address = attributes.get("href") or "#main"
        assert re.fullmatch(r"#[a-z0-9-]+", address) or (CONSOLE.fullmatch(address) and attributes.get("rel") == "noreferrer"), address


def test_what_can_be_opened_in_a_console_leads_there() -> None:
    links = {attributes["href"] for tag, attributes in _Parsed(render(known())).elements if tag == "a" and "rel" in attributes}
    found = {re.sub(r"https://(?:[a-z0-9-]+\.)?console.aws.amazon.com/([a-z0-9]+)/.*", r"\1", str(link)) for link in links}
    assert found == {"ec2", "guardduty", "inspector", "macie", "iam", "wafv2", "cloudfront"}
    assert any(f"#InstanceDetails:instanceId={KNOWN}" in str(link) for link in links)
    assert any("#LoadBalancers:search=old-one" in str(link) for link in links)


def test_nothing_leads_to_a_console_of_aws_where_it_was_not_aws_that_was_asked() -> None:
    assert "console." not in render(known(endpoint_override="http://127.0.0.1:5000"))


def test_nothing_in_the_style_or_the_script_reaches_out() -> None:
    text = render(view())
    (style,) = re.findall(r"<style>(.*?)</style>", text, re.DOTALL)
    (script,) = re.findall(r"<script>(.*?)</script>", text, re.DOTALL)
    assert not re.search(r"url\(|@import|expression|</", style)
    assert not re.search(r"fetch|XMLHttpRequest|WebSocket|sendBeacon|import|eval|Function\(|innerHTML|https?:|location|</", script)
    assert len(script.encode()) < 4096


def test_the_policy_allows_this_style_and_this_script_and_nothing_else() -> None:
    text = render(hostile())
    (style,) = re.findall(r"<style>(.*?)</style>", text, re.DOTALL)
    (script,) = re.findall(r"<script>(.*?)</script>", text, re.DOTALL)
    styled, scripted = (base64.b64encode(hashlib.sha256(own.encode()).digest()).decode() for own in (style, script))
    policy = next(a["content"] for tag, a in _Parsed(text).elements if tag == "meta" and a.get("http-equiv") == "Content-Security-Policy")
    assert policy == f"default-src 'none'; style-src 'sha256-{styled}'; script-src 'sha256-{scripted}'; base-uri 'none'; form-action 'none'"


def test_hostile_text_is_shown_as_text() -> None:
    shown = set(cells(hostile()))
    assert {"<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "{{ 7*7 }}{% raw %}", "</style><style>*{display:none}"} <= shown
    assert {"a\ufffdgnp.exe", "nul\ufffdbell\ufffd", "../../etc/passwd"} <= shown
    assert max(len(cell) for cell in shown) <= LONGEST_CELL


def test_facts_of_the_run_are_escaped_too() -> None:
    mark = "<img src=x>"
    text = render(view(run_id=mark, kind=mark, tenants=(mark,), endpoint_override=mark, held_back=(mark,), version=mark))
    assert mark not in text
    assert text.count("&lt;img src=x&gt;") == 6
    assert "Agent online &lt;b&gt;" in text


def test_the_page_is_whole_text_in_utf8(tmp_path: Path) -> None:
    REPORT.write(tmp_path, hostile())
    data = (tmp_path / "report.html").read_bytes()
    assert data.decode("utf-8").startswith("<!doctype html>\n<html lang=")
    assert data.rstrip().endswith(b"</html>")
    assert not re.search(rb"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]", data)


def test_permuted_rows_give_the_same_page() -> None:
    pages = set()
    for seed in range(3):
        texts = list(HOSTILE)
        random.Random(seed).shuffle(texts)
        tables = {table.name: table.sort(table.frame(row(table, text) for text in texts)) for table in TABLES}
        pages.add(render(view(tables)))
    assert len(pages) == 1


def test_a_run_that_found_nothing_says_so_in_every_section_and_claims_no_more() -> None:
    text = render(empty())
    for sentence in (
        "0 of 0 instances are protected",
        "No check failed.",
        "No instance that was read lacks protection.",
        "No open package finding that was read lacks an effective rule.",
        "No alerted bucket can be reached by a role that was read.",
        "No distribution and no load balancer was found where it was looked for.",
        "Every planned scope was read to its end.",
        "Nothing was planned.",
    ):
        assert sentence in text
    assert "could not be read.</strong>" not in text


def test_the_head_counts_what_is_known_and_what_is_not() -> None:
    instances = [row(INSTANCES, instance_id=f"i-{number}", protection=state) for number, state in enumerate(("protected", "protected", "offline"))]
    patches = [row(VIRTUAL_PATCHES, state=state, instance_id=state) for state in ("prevented", "available", "not_running", "no_rule")]
    scopes = [
        row(SCOPES, state="denied"),
        row(SCOPES, region="global", source="iam", state="ok"),
        row(SCOPES, region="us-east-1", state="ok"),
        row(SCOPES, region="eu-west-1", state="skipped"),
        row(SCOPES, account="444455556666", state="ok"),
        row(SCOPES, account="main", region="-", source="wp_roles", state="ok"),
    ]
    frames = {INSTANCES.name: INSTANCES.frame(instances), VIRTUAL_PATCHES.name: VIRTUAL_PATCHES.frame(patches), SCOPES.name: SCOPES.frame(scopes)}
    text = render(view(frames))
    assert "2 of 3 instances are protected" in text
    assert "Of 3 open package vulnerabilities on hosts, 1 is shielded by an effective IPS rule and 1 more could be" in text
    assert "1 of 6 scopes could not be read." in text
    assert "<dt>Accounts</dt><dd>2</dd>" in text
    assert "<dt>Regions</dt><dd>2</dd>" in text


def test_the_head_counts_one_of_each_as_one() -> None:
    text = render(
        view(
            {
                INSTANCES.name: INSTANCES.frame([row(INSTANCES, protection="offline")]),
                RESULTS.name: RESULTS.frame([row(RESULTS), row(RESULTS, resource="i-2", status="UNKNOWN")]),
                VIRTUAL_PATCHES.name: VIRTUAL_PATCHES.frame([row(VIRTUAL_PATCHES, state="no_rule")]),
                SCOPES.name: SCOPES.frame([row(SCOPES, state="denied")]),
            },
            excluded=1,
        )
    )
    for sentence in (
        "0 of 1 instance is protected",
        "1 result fails and 1 is unknown.",
        "Of 1 open package vulnerability on hosts, 0 are shielded by an effective IPS rule.",
        "1 of 1 scope could not be read.",
        "1 instance in scope; 1 more is outside",
    ):
        assert sentence in text


def test_states_are_words_with_acronyms_in_upper_case() -> None:
    seen = of(WEB_ENTRIES, [row(WEB_ENTRIES, state="missing_acl")])
    assert "missing ACL" in cells(seen)
    assert '<span class="name">missing ACL</span>' in render(seen)


def test_a_long_table_shows_the_first_rows_and_where_the_rest_is() -> None:
    text = render(of(RESULTS, [row(RESULTS, resource=f"i-{number:04d}") for number in range(ROWS + 1234)]))
    assert f"i-{ROWS - 1:04d}" in text
    assert f"i-{ROWS:04d}" not in text
    assert "1\N{NARROW NO-BREAK SPACE}234 more rows are in results.csv" in text


def test_a_table_that_is_one_row_too_long_says_so() -> None:
    assert "1 more row is in results.csv" in render(of(RESULTS, [row(RESULTS, resource=f"i-{number:04d}") for number in range(ROWS + 1)]))


def test_what_is_missing_is_a_dash() -> None:
    shown = cells(of(INSTANCES, [bare(INSTANCES)]))
    assert not {"None", "nan", "NaT", "<NA>"} & set(shown)
    assert shown.count("\N{EN DASH}") == 6  # name, owner, WP computer, policy, last contact, and the empty list of what the agent says


def test_lists_are_joined_and_long_ones_counted() -> None:
    rows = [row(VIRTUAL_PATCHES, cve="CVE-1", rule_identifiers=tuple("abcdefg")), row(VIRTUAL_PATCHES, cve="CVE-2", rule_identifiers=("a", "b"))]
    assert {"a, b, c, d, e and 2 more", "a, b"} <= set(cells(of(VIRTUAL_PATCHES, rows)))


def test_patches_come_most_severe_and_oldest_first_and_closed_ones_not_at_all() -> None:
    def patch(name: str, severity: str, day: int, state: str = "available") -> tuple[Any, ...]:
        return row(VIRTUAL_PATCHES, cve=name, severity=severity, first_observed=datetime(2026, 11, day, tzinfo=UTC), state=state)

    rows = [
        patch("odd", "NEW WORD", 1),
        patch("low", "LOW", 1),
        patch("young", "CRITICAL", 9),
        patch("old", "CRITICAL", 2),
        patch("done", "CRITICAL", 1, "prevented"),
        patch("off", "CRITICAL", 1, "not_running"),
    ]
    shown = [cell for cell in cells(of(VIRTUAL_PATCHES, rows)) if cell in ("odd", "low", "young", "old", "done", "off")]
    assert shown == ["old", "young", "low", "odd"]


def test_open_paths_to_unprotected_instances_come_first() -> None:
    def path(name: str, decision: str, instance: str | None, protection: str | None) -> tuple[Any, ...]:
        return row(BUCKET_ACCESS, bucket=f"arn:{name}", decision=decision, instance_id=instance, protection=protection)

    rows = [
        path("idle", "allowed", None, None),
        path("maybe", "conditional", "i-1", "unmanaged"),
        path("watched", "allowed", "i-1", "protected"),
        path("open", "allowed", "i-1", "unmanaged"),
    ]
    shown = [cell for cell in cells(of(BUCKET_ACCESS, rows)) if cell.startswith("arn:")]
    assert shown == ["arn:open", "arn:watched", "arn:maybe", "arn:idle"]


def test_entries_without_a_web_acl_come_before_covered_ones() -> None:
    rows = [row(WEB_ENTRIES, entry=f"entry-{state}", state=state) for state in ("not_applicable", "covered", "unknown", "missing_acl")]
    shown = [cell for cell in cells(of(WEB_ENTRIES, rows)) if cell.startswith("entry-")]
    assert shown == ["entry-missing_acl", "entry-unknown", "entry-covered", "entry-not_applicable"]


def test_unread_scopes_are_counted_and_say_what_to_grant() -> None:
    seen = of(SCOPES, [row(SCOPES, message="AccessDenied", permission="ec2:DescribeInstances")])
    assert "<strong>1 scope could not be read.</strong>" in render(seen)
    assert {"AccessDenied", "ec2:DescribeInstances", A} <= set(cells(seen))


def test_what_went_elsewhere_than_to_aws_is_said_at_the_top() -> None:
    assert "calls went to http://127.0.0.1:5000" in render(view(endpoint_override="http://127.0.0.1:5000")).split("<main")[0]
    assert "Not AWS itself" not in render(view())
    assert "4 more are outside the schedule" in render(view(excluded=4))


def test_mails_of_the_run_before_are_there_those_not_sent_first() -> None:
    rows = [
        ("main-000000", "email", "001-management", "ciso@example.com", "sent", None, "250 ok"),
        ("main-000000", "email", "002-security", "secops@example.com", "refused", None, "550 <b>nobody</b>"),
    ]
    page = render(of(DELIVERIES, rows))
    assert page.index("secops@example.com") < page.index("ciso@example.com")
    assert "550 &lt;b&gt;nobody" in page
    assert "What the run before sent" not in render(view())


def test_exceptions_are_there_what_ran_out_and_what_ends_soon_first_and_said_at_the_top() -> None:
    def accepted(ticket: str, expires: str) -> tuple[Any, ...]:
        return row(EXCEPTIONS, ticket=ticket, expires=expires)

    rows = [accepted("later", "2027-01-31"), accepted("soon", "2026-12-01"), accepted("over", "2026-11-20"), accepted("odd", "some day")]
    page = render(of(EXCEPTIONS, rows))
    shown = [cell for cell in _Parsed(page).cells if cell in ("later", "soon", "over", "odd", "in force", "ends soon", "ran out")]
    assert shown == ["ran out", "odd", "ran out", "over", "ends soon", "soon", "in force", "later"]
    assert "<strong>2 exceptions</strong> have run out or end within 14 days" in page
    assert "have run out" not in render(of(EXCEPTIONS, rows[:1]))


def test_what_is_waived_is_beside_what_would_fail_without_exceptions() -> None:
    rows = [row(RESULTS, resource="i-1"), row(RESULTS, resource="i-2", status="WAIVED")]
    assert "2 without exceptions" in render(of(RESULTS, rows))
    assert "without exceptions" not in render(of(RESULTS, rows[:1]))


def test_how_many_failures_are_past_their_due_date_is_said() -> None:
    rows = [row(RESULTS, resource=f"i-{day}", due=datetime(2026, 11, day, tzinfo=UTC)) for day in (22, 23, 25)]
    assert "2 past their due date" in render(of(RESULTS, rows))


def test_why_there_is_nothing_to_compare_with_is_said_as_it_is() -> None:
    why = "main-000000 is not compared with: its pack does not hold (a file is missing)"
    page = render(view(compared_notes=(why,)))
    assert f'<p class="empty">M{why[1:]}</p>' in page
    assert "There is nothing to compare with." not in page
    assert "There is nothing to compare with." in render(view())


def test_values_that_are_sorted_otherwise_than_as_text_say_how() -> None:
    page = render(of(VIRTUAL_PATCHES, [row(VIRTUAL_PATCHES, severity="HIGH", age_days=1234, instance_id="i-1")]))
    assert '<td data-v="1">HIGH</td>' in page
    assert '<td class="n" data-v="1234">1\N{NARROW NO-BREAK SPACE}234</td>' in page
    assert '<td data-v="2026-11-23T01:02:03Z">2026-11-23 01:02</td>' in render(of(INSTANCES, [row(INSTANCES, protection="offline")]))


def test_an_account_is_named_in_its_own_column_alone_but_an_exception_names_its_resource_exactly() -> None:
    root = f"arn:aws:iam::{A}:root"
    assert {"the account", A} <= set(cells(of(RESULTS, [row(RESULTS, resource=root)])))
    assert root in cells(of(EXCEPTIONS, [row(EXCEPTIONS, resource=root, expires="2026-12-24")]))


def test_instants_in_sentences_are_written_as_all_others_and_what_is_none_stays() -> None:
    why = "last seen 2026-11-01T03:00:00Z, not 2026-99-01T03:00:00Z"
    assert "last seen 2026-11-01 03:00 UTC, not 2026-99-01T03:00:00Z" in cells(of(RESULTS, [row(RESULTS, reason=why)]))


def test_of_the_most_severe_failures_what_is_due_soonest_comes_first() -> None:
    def failed(name: str, severity: str, day: int | None) -> tuple[Any, ...]:
        return row(RESULTS, resource=name, severity=severity, due=None if day is None else datetime(2026, 11, day, tzinfo=UTC))

    rows = [failed("a", "HIGH", 1), failed("b", "CRITICAL", None), failed("c", "CRITICAL", 20), failed("d", "CRITICAL", 3)]
    assert [cell for cell in cells(of(RESULTS, rows)) if cell in "abcd" and cell] == ["d", "c", "b", "a"]
