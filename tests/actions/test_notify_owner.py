"""Who is told what about unprotected instances, that nothing is told twice, and that a notice arrives as it was planned."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

import pytest

from reporter.actions.notify_owner import ACTION, NO_ADDRESS, message
from reporter.actions.owner_notice import legible
from reporter.clients.mail import opener
from reporter.core.action import Held as HeldBack
from reporter.core.action import NotMade, NotNeeded, Refused, Stale, Uncertain
from reporter.core.change import ActionState, Change, Outcome
from reporter.core.past import Deed, Past
from reporter.core.settings import OwnersSettings, Settings
from reporter.core.world import World
from reporter.schedule import Actions, Email
from reporter.tables.joined import BUCKET_ACCESS, FINDINGS, INSTANCES
from tests.actions.hands import NOW, RUN, Held, held
from tests.clients.smtp_server import SmtpServer, mail_certificate, smtp
from tests.joins.made import HOSTILE, A, B, R, permuted, row, world

__all__ = ["mail_certificate", "smtp"]

I1, I2, I3 = "i-0000000000000001", "i-0000000000000002", "i-0000000000000003"
BUCKET = "arn:aws:s3:::ledger"
OWNERS = OwnersSettings(addresses={"payments": "payments@example.com", "billing": "payments@example.com"}, default="secops@example.com")
NO_OWNERS = OwnersSettings()


def instance(instance_id: str = I1, **values: Any) -> tuple[Any, ...]:
    defaults = {"protection": "unmanaged", "owner": "payments", "state": "running", "launch_time": NOW - timedelta(days=40)}
    return row(INSTANCES, **{"instance_id": instance_id, **defaults, **values})


def finding(name: str = "f1", instance_id: str | None = I1, **values: Any) -> tuple[Any, ...]:
    """An open GuardDuty finding on an instance."""
    defaults = {
        "source": "guardduty",
        "type": "Backdoor:EC2/C&CActivity.B",
        "severity": "HIGH",
        "title": "The instance speaks with a command server.",
        "created_at": NOW - timedelta(days=3),
        "updated_at": NOW - timedelta(hours=2),
    }
    return row(FINDINGS, **{"finding_id": name, "instance_id": instance_id, "resource": instance_id, **defaults, **values})


def alert(name: str = "m1", **values: Any) -> tuple[Any, ...]:
    """An open Macie alert on the bucket, of account B."""
    defaults = {
        "source": "macie",
        "account": B,
        "resource": BUCKET,
        "type": "SensitiveData:S3Object/Personal",
        "title": "Personal data in an object.",
    }
    return finding(name, None, **{**defaults, **values})


def reach(instance_id: str | None = I1, **values: Any) -> tuple[Any, ...]:
    defaults = {"bucket": BUCKET, "account": B, "role_arn": f"arn:aws:iam::{A}:role/app", "decision": "allowed", "via": "instance_profile"}
    return row(BUCKET_ACCESS, **{"instance_id": instance_id, "instance_account": A, "instance_region": R, **defaults, **values})


def made(
    instances: Iterable[tuple[Any, ...]],
    findings: Iterable[tuple[Any, ...]] = (),
    access: Iterable[tuple[Any, ...]] = (),
    owners: OwnersSettings = OWNERS,
) -> World:
    settings = Settings(tenants=("main",), owners=owners)
    return world((INSTANCES, instances), (FINDINGS, findings), (BUCKET_ACCESS, access), settings=settings)


def planned(seen: World, past: Past | None = None) -> list[Change]:
    """As the journal would give them back: plain JSON."""
    changes = ACTION.plan(seen, past or Past(), Actions())
    return [Change.of(json.loads(json.dumps(change.as_json()))) for change in changes]


def only(changes: list[Change]) -> Change:
    assert len(changes) == 1, changes
    return changes[0]


def items(change: Change) -> list[tuple[str, str]]:
    return [(item["finding"], item["instance"]) for item in change.after["items"]]


def deed(change: Change, state: ActionState | None, **values: Any) -> Deed:
    return Deed("main-000006/0000", "main-000006", "hash", change, NOW - timedelta(days=1), NOW - timedelta(days=1), state, **values)


CALL: Mapping[str, Any] = {"call": "send mail"}


# what is announced


@pytest.mark.parametrize("protection", ["unmanaged", "inactive", "offline", "no_policy"])
def test_an_unprotected_instance_that_a_finding_names_is_announced_to_its_owner(protection: str) -> None:
    change = only(planned(made([instance(protection=protection)], [finding()])))
    assert (change.action, change.target, change.account, change.region, change.severity) == ("notify_owner", "payments@example.com", "", "", "HIGH")
    assert (change.before, change.subjects, change.held) == ({}, ("payments@example.com",), "")
    assert change.after["to"] == "payments@example.com"
    item = change.after["items"][0]
    told = {name: item[name] for name in ("finding", "updated_at", "instance", "account", "region", "protection", "severity", "why")}
    assert told == {
        "finding": "f1",
        "updated_at": "2026-11-24T01:00:00Z",
        "instance": I1,
        "account": A,
        "region": R,
        "protection": protection,
        "severity": "HIGH",
        "why": "guardduty",
    }
    assert change.facts == {"findings": ["f1"], "instances": [I1], "owners": ["payments"]}


@pytest.mark.parametrize("protection", ["protected", "unknown"])
def test_a_protected_instance_and_one_of_which_nothing_is_known_are_never_announced(protection: str) -> None:
    seen = made([instance(protection=protection)], [finding(), alert()], [reach()])
    assert planned(seen) == []


@pytest.mark.parametrize("values", [{"sample": True}, {"archived": True}])
def test_samples_and_archived_findings_are_not_announced(values: dict[str, Any]) -> None:
    assert planned(made([instance()], [finding(**values), alert(**values)], [reach()])) == []


def test_an_inspector_finding_is_no_reason_for_a_notice() -> None:
    assert planned(made([instance()], [finding(source="inspector")])) == []


def test_a_finding_on_an_instance_that_is_not_in_the_report_tells_nobody() -> None:
    assert planned(made([instance(I2)], [finding(), finding("f2", None), finding("f3", I2, account=B)])) == []


def test_an_instance_that_can_reach_an_alerted_bucket_is_announced_with_each_alert_on_it_once() -> None:
    by_two_roles = [reach(), reach(role_arn=f"arn:aws:iam::{A}:role/task", via="task_role")]
    elsewhere = alert("m3", resource="arn:aws:s3:::other")
    change = only(planned(made([instance()], [alert(), alert("m2", severity="LOW"), elsewhere], by_two_roles)))
    assert items(change) == [("m1", I1), ("m2", I1)]
    assert {item["why"] for item in change.after["items"]} == {"macie bucket ledger"}
    assert {item["account"] for item in change.after["items"]} == {A}


def test_an_alert_that_names_its_bucket_without_an_arn_is_one_on_the_bucket() -> None:
    assert items(only(planned(made([instance()], [alert(resource="ledger")], [reach()])))) == [("m1", I1)]


@pytest.mark.parametrize("values", [{"decision": "conditional"}, {"instance_id": None}, {"instance_id": I2}, {"instance_account": B}])
def test_a_reach_that_is_not_sure_or_of_no_such_instance_tells_nobody(values: dict[str, Any]) -> None:
    assert planned(made([instance()], [alert()], [reach(**values)])) == []


def test_nothing_to_tell_is_no_change() -> None:
    assert planned(made([])) == []
    assert planned(made([instance()])) == []


# to whom


def test_one_notice_for_each_address_with_the_rows_of_its_owners_only() -> None:
    seen = made(
        [instance(I1), instance(I2, owner="billing"), instance(I3, owner="nobody-knows"), instance("i-0000000000000004", owner=None)],
        [finding(f"f{number}", f"i-000000000000000{number}") for number in (1, 2, 3, 4)],
    )
    found = {change.target: items(change) for change in planned(seen)}
    assert found == {
        "payments@example.com": [("f1", I1), ("f2", I2)],
        "secops@example.com": [("f3", I3), ("f4", "i-0000000000000004")],
    }


def test_without_any_address_the_change_is_held() -> None:
    change = only(planned(made([instance()], [finding()], owners=NO_OWNERS)))
    assert (change.target, change.held) == (NO_ADDRESS, "no address: owners.addresses / owners.default")
    assert change.facts["owners"] == ["payments"]


def test_the_worst_finding_comes_first_and_is_the_severity_of_the_notice() -> None:
    seen = made([instance(), instance(I2)], [finding("a", severity="LOW"), finding("b", I2, severity="CRITICAL"), finding("c", severity="ODD")])
    change = only(planned(seen))
    assert [name for name, _ in items(change)] == ["b", "a", "c"]
    assert change.severity == "CRITICAL"
    assert change.reason.startswith("2 unprotected instances that")


def test_the_order_of_the_rows_changes_nothing() -> None:
    seen = made([instance(), instance(I2, owner=None)], [finding(), finding("f2", I2), alert()], [reach(), reach(I2)])
    assert planned(seen) == planned(permuted(seen))


# once


@pytest.mark.parametrize("state", [None, ActionState.APPLIED, ActionState.VERIFIED, ActionState.PENDING])
def test_what_was_announced_is_not_announced_again(state: ActionState | None) -> None:
    seen = made([instance()], [finding()])
    assert planned(seen, Past((deed(only(planned(seen)), state),))) == []


def test_only_what_is_new_or_changed_is_announced() -> None:
    before = made([instance(), instance(I2), instance(I3)], [finding(), finding("f2", I2), finding("f3", I3)])
    past = Past((deed(only(planned(before)), ActionState.VERIFIED),))
    now = made(
        [instance(), instance(I2, protection="offline"), instance(I3)],
        [finding(), finding("f2", I2), finding("f3", I3, updated_at=NOW), finding("f4", I1)],
    )
    assert items(only(planned(now, past))) == [("f4", I1), ("f2", I2), ("f3", I3)]


@pytest.mark.parametrize("values", [{"calls": (CALL,), "answers": ({"call": "send mail"},)}, {}])
def test_a_notice_that_was_refused_is_tried_again(values: dict[str, Any]) -> None:
    seen = made([instance()], [finding()])
    change = only(planned(seen))
    assert planned(seen, Past((deed(change, ActionState.FAILED, **values),))) == [change]


@pytest.mark.parametrize("values", [{"calls": (CALL,)}, {"calls": (CALL,), "answers": ({"call": "send mail"},), "delta": {"maybe sent": True}}])
def test_a_notice_that_may_have_been_sent_is_held_and_what_is_new_goes_out_alone(values: dict[str, Any]) -> None:
    seen = made([instance()], [finding()])
    past = Past((deed(only(planned(seen)), ActionState.FAILED, **values),))
    again = only(planned(seen, past))
    assert again.held == "a notice of this may have been sent by main-000006: that is not known, and it is not sent twice"
    more = only(planned(made([instance()], [finding(), finding("f2")]), past))
    assert (items(more), more.held) == ([("f2", I1)], "")


# the message


def parts(notice: EmailMessage) -> tuple[str, str]:
    read = message_from_bytes(notice.as_bytes(), policy=policy.default)
    text, html = read.get_body(("plain",)), read.get_body(("html",))
    assert text is not None
    assert html is not None
    return text.get_content(), html.get_content()


def test_the_notice_says_which_instance_why_what_is_missing_and_what_to_do() -> None:
    seen = made([instance(), instance(I2, protection="offline", state="stopped")], [finding(), alert(severity="LOW")], [reach(I2)])
    notice = message(only(planned(seen)), "reporter@example.com", RUN, NOW)
    assert (notice["To"], notice["From"]) == ("payments@example.com", "reporter@example.com")
    assert notice["Subject"] == "2 unprotected instances to look after, worst finding HIGH"
    assert notice["Date"] == "Tue, 24 Nov 2026 03:00:00 +0000"
    assert (notice["Auto-Submitted"], notice["X-Auto-Response-Suppress"]) == ("auto-generated", "All")
    for body in parts(notice):
        for said in (
            I1,
            f"{A}, {R}",
            "The instance speaks with a command server.",
            "since 2026-11-21 03:00 UTC, last change 2026-11-24 01:00 UTC",
            "Protection: ",
            "there is no agent",
            "Install the agent",
            I2,
            "It is stopped: no agent runs on it now.",
            "An agent is installed, but it does not report.",
            "bucket ledger, which this instance can reach",
            "SensitiveData:S3Object/Personal",
        ):
            assert said in body, said
        assert "launched only lately" not in body
    assert "C&CActivity" in parts(notice)[0]
    assert "C&amp;CActivity" in parts(notice)[1]


def test_an_instance_that_was_launched_lately_is_announced_as_such() -> None:
    change = only(planned(made([instance(launch_time=NOW - timedelta(minutes=20))], [finding()])))
    for body in parts(message(change, "", RUN, NOW)):
        assert "It was launched only lately: an agent may still be installing." in body


def test_an_instance_without_a_launch_time_owner_title_or_first_day_is_announced_all_the_same() -> None:
    seen = made([instance(launch_time=None, owner=None)], [finding(title=None, created_at=None)])
    notice = message(only(planned(seen)), "", RUN, NOW)
    assert notice["Subject"] == "1 unprotected instance to look after, worst finding HIGH"
    assert notice["From"] is None
    for body in parts(notice):
        assert "no title" in body
        assert "since 2026-11-24 01:00 UTC" in body


def test_the_same_change_is_the_same_message_and_its_id_names_no_machine_and_no_address() -> None:
    change = only(planned(made([instance()], [finding()])))
    first, second = (message(change, "", RUN, NOW) for _ in range(2))
    assert first.as_bytes() == second.as_bytes()
    assert str(first["Message-ID"]).startswith("<notice.")
    assert str(first["Message-ID"]).endswith("@reporter.invalid>")
    assert "payments" not in first["Message-ID"]
    assert message(change, "", "main-000008", NOW)["Message-ID"] != first["Message-ID"]
    other = replace(change, after={**change.after, "to": "secops@example.com"})
    assert message(other, "", RUN, NOW)["Message-ID"] != first["Message-ID"]


HOSTILE_TEXTS = [
    HOSTILE,
    "payments\r\nBcc: everybody@example.org",
    "</li><img src=x onerror=alert(1)>",
    '=HYPERLINK("http://evil.example")',
    "{{ 7*7 }}{% raw %}",
    "x" * 5000,
    "\ud800",
]


@pytest.mark.parametrize("text", HOSTILE_TEXTS, ids=range(len(HOSTILE_TEXTS)))
def test_hostile_tags_titles_and_types_stay_text(text: str) -> None:
    seen = made([instance(owner=text, state=text)], [finding(title=text, type=text, severity=text), alert(text, resource=text)], [reach(bucket=text)])
    change = only(ACTION.plan(seen, Past(), Actions()))  # type: ignore[arg-type]  # a list
    assert change.target == "secops@example.com"
    notice = message(change, "reporter@example.com", RUN, NOW)
    data = notice.as_bytes()
    read = message_from_bytes(data, policy=policy.default)
    assert sorted(set(read.keys())) == sorted(set(message(only(planned(made([instance()], [finding()]))), "a@b", RUN, NOW).keys()))
    plain, html = parts(notice)
    assert "<img" not in html
    assert "<script" not in html
    assert "http://e" not in plain + html
    assert "49" not in plain.partition("Owner tag:")[2].partition("\n")[0]
    assert not any(sign in plain + html for sign in ("\u202e", "\x00"))
    assert max(len(line) for line in data.split(b"\r\n")) <= 998
    assert "x" * 400 not in plain + html


def test_legible_text_is_one_short_line_that_says_what_cannot_be_seen() -> None:
    assert legible(" plain text ") == "plain text"
    assert legible("a\r\nb\u202ec") == "a\ufffd\ufffdb\ufffdc"
    assert legible("see https://evil.example") == "see https:// evil.example"
    assert legible("y" * 301) == "y" * 300 + " …"


@pytest.mark.parametrize("address", ["a@example.com\r\nBcc: b@example.com", "a@example.com, b@example.com", "", "nobody"])
def test_a_change_to_what_is_no_address_is_refused(address: str) -> None:
    change = only(planned(made([instance()], [finding()])))
    hand = held(send_mail=lambda _: "never")
    with pytest.raises(Refused, match="not one plain mail address"):
        ACTION.apply(replace(change, after={**change.after, "to": address}), hand.hand, False)
    assert hand.journal == []


# sent


def plain_server(smtp: SmtpServer) -> Email:
    return Email.model_validate({"sender": "reporter@example.com", "smtp": {"host": "127.0.0.1", "port": smtp.port, "security": "none"}})


def hand_for(smtp: SmtpServer, calls: int = 0, begun: datetime = NOW) -> Held:
    made = held(send_mail=opener(plain_server(smtp)), begun=begun)
    return replace(made, hand=replace(made.hand, calls=calls))


def test_a_notice_arrives_as_it_was_planned_and_is_seen_as_accepted(smtp: SmtpServer) -> None:
    change = only(planned(made([instance()], [finding()])))
    hand = hand_for(smtp)
    outcome = ACTION.apply(change, hand.hand, False)
    expected = message(change, "", hand.hand.deed, NOW)
    assert outcome == Outcome(ActionState.APPLIED, "", {"message_id": str(expected["Message-ID"]), "receipt": "250 2.0.0 queued as 4XYZ"})
    [taken] = smtp.taken
    assert taken.recipients == ("payments@example.com",)
    read = message_from_bytes(taken.data, policy=policy.default)
    assert (read["Message-ID"], read["Date"], read["From"]) == (expected["Message-ID"], expected["Date"], "reporter@example.com")
    assert taken.data.endswith(expected.as_bytes().partition(b"\r\n\r\n")[2])
    assert [event for event, _ in hand.journal] == ["call", "answer"]
    seen = ACTION.verify(change, outcome.delta, hand.hand)
    assert (seen.state, seen.said) == (ActionState.VERIFIED, "accepted by the mail server; whether it was read cannot be known")
    assert seen.delta == outcome.delta


def test_a_notice_resumed_before_anything_was_announced_is_sent(smtp: SmtpServer) -> None:
    change = only(planned(made([instance()], [finding()])))
    assert ACTION.apply(change, hand_for(smtp).hand, True).state is ActionState.APPLIED
    assert len(smtp.taken) == 1


def test_a_notice_that_may_have_been_sent_is_not_sent_again_nor_announced_by_the_next_run(smtp: SmtpServer) -> None:
    seen = made([instance()], [finding()])
    change = only(planned(seen))
    smtp.cut = "message"
    hand = hand_for(smtp)
    with pytest.raises(Uncertain):
        ACTION.apply(change, hand.hand, False)
    smtp.cut = ""
    again = hand_for(smtp, calls=len(hand.calls()))
    outcome = ACTION.apply(change, again.hand, True)
    assert outcome.state is ActionState.FAILED
    assert outcome.said.startswith("whether it was sent is not known; it is not sent twice: Message-ID <notice.")
    assert (smtp.taken, again.journal) == ([], [])
    ended = deed(change, outcome.state, delta=json.loads(json.dumps(outcome.delta)), calls=(CALL,), answers=({"call": "send mail"},))
    assert only(planned(seen, Past((ended,)))).held


def test_a_refusal_is_told_and_nothing_is_left_open(smtp: SmtpServer) -> None:
    change = only(planned(made([instance()], [finding()])))
    smtp.answers["rcpt"] = "550 5.1.1 nobody of that name"
    hand = hand_for(smtp)
    with pytest.raises(Refused, match=r"550 5\.1\.1"):
        ACTION.apply(change, hand.hand, False)
    assert [event for event, _ in hand.journal] == ["call", "answer"]
    assert smtp.taken == []


def test_without_settings_for_mail_nothing_is_sent() -> None:
    change = only(planned(made([instance()], [finding()])))
    with pytest.raises(HeldBack, match=r"deliver\.email is not set"):
        ACTION.apply(change, held().hand, False)


def test_a_sent_notice_cannot_be_taken_back() -> None:
    with pytest.raises(NotMade, match="a sent notice cannot be taken back"):
        ACTION.undo(only(planned(made([instance()], [finding()]))), {}, held().hand)


def test_its_mode_is_a_setting_and_it_has_no_limit() -> None:
    settings = Actions.model_validate({"notify_owner": {"mode": "apply"}})
    assert (ACTION.mode(Actions()), ACTION.mode(settings), ACTION.limit(settings)) == ("plan", "apply", None)


def test_two_approved_plans_of_the_same_notice_are_one_notice(smtp: SmtpServer) -> None:
    change = only(planned(made([instance()], [finding()])))
    hand = replace(hand_for(smtp).hand, standing=(deed(change, ActionState.VERIFIED),))
    with pytest.raises(NotNeeded, match="an earlier notice told all of it"):
        ACTION.apply(change, hand, False)
    more = replace(change, after={**change.after, "items": [*change.after["items"], {**change.after["items"][0], "finding": "another"}]})
    with pytest.raises(Stale, match="told a part of it"):
        ACTION.apply(more, hand, False)
    assert smtp.taken == []


def test_a_notice_is_planned_in_the_schedules_language_and_says_so() -> None:
    change = only(planned(world((INSTANCES, [instance()]), (FINDINGS, [finding()]), settings=Settings(owners=OWNERS, language="de"))))
    assert change.after["language"] == "de"
    assert message(change, "", RUN, NOW)["Content-Language"] == "de"
