from __future__ import annotations

from dataclasses import replace
from email import message_from_bytes, policy
from email.message import EmailMessage
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from lxml import html
from openpyxl import load_workbook

from reporter.core.language import codes, language
from reporter.core.recipient import DEFAULT_CLEARANCE, Clearance, Group, Recipient
from reporter.core.settings import OwnersSettings
from reporter.reports.recipient_mail import REPORT, message
from reporter.reports.view import View
from reporter.tables.deliveries import DELIVERIES
from reporter.tables.joined import CHANGES, INSTANCES, RESULTS
from tests.reports.views import HOSTILE, NOW, TABLES, A, I, hostile, row, view

TO = "payments@example.com"
OWNERS = OwnersSettings(addresses={"plain": TO, "orders": "orders@example.com"}, default="secops@example.com")
OTHER = "i-0000000000000002"


def recipient(group: str = "security", **changes: Any) -> Recipient:
    kind = Group(group)
    return replace(Recipient(TO, kind, "en", DEFAULT_CLEARANCE[kind], own_rows=kind is Group.OWNER), **changes)


def read(made: EmailMessage) -> EmailMessage:
    """The message as somebody receives it."""
    return message_from_bytes(made.as_bytes(policy=policy.SMTP), policy=policy.default)


def text(made: EmailMessage, kind: str = "plain") -> str:
    body = read(made).get_body((kind,))
    assert body is not None
    return str(body.get_content())


def two_owners() -> View:
    """An instance of one owner and one of another, each with a failure."""
    results = RESULTS.frame(
        [row(RESULTS, resource=I, owner="plain"), row(RESULTS, "of others", resource=OTHER, owner="orders"), row(RESULTS, "all of us", owner=None)]
    )
    instances = INSTANCES.frame([row(INSTANCES, owner="plain"), row(INSTANCES, "of others", instance_id=OTHER, owner="orders")])
    tables = {table.name: table.frame([row(table)]) for table in TABLES}
    return view({**tables, RESULTS.name: results, INSTANCES.name: instances}, owners=OWNERS)


def test_each_recipient_has_a_file_named_by_number_and_group(tmp_path: Path) -> None:
    people = (recipient("management", to="ciso@example.com"), recipient("security", to="../../x@example.com"), recipient("owner"))
    REPORT.write(tmp_path, view(recipients=people))
    assert sorted(path.name for path in (tmp_path / "mail").iterdir()) == ["001-management.eml", "002-security.eml", "003-owner.eml"]
    parsed = message_from_bytes((tmp_path / "mail" / "001-management.eml").read_bytes(), policy=policy.default)
    assert (parsed["To"], parsed["From"]) == ("ciso@example.com", None)


def test_where_nobody_is_named_there_is_no_message(tmp_path: Path) -> None:
    REPORT.write(tmp_path, view())
    assert list((tmp_path / "mail").iterdir()) == []


def test_the_text_and_the_page_say_the_same_numbers() -> None:
    made = message(view(), recipient())
    assert read(made).get_content_type() == "multipart/alternative"
    page = html.document_fromstring(text(made, "html"))
    cells = ["".join(map(str, cell.itertext())) for cell in page.iter("td") if not len(cell.findall(".//table"))]
    assert cells[cells.index("fail") + 1] == "1"
    assert "fail                             1" in text(made)


def test_the_page_survives_mail_clients() -> None:
    page = html.document_fromstring(text(message(view(), recipient()), "html"))
    assert {element.tag for element in page.iter()}.isdisjoint({"script", "img", "link", "iframe", "form", "svg", "object"})
    assert not [element for element in page.iter() if element.get("src") or element.get("href") or element.get("background")]
    assert all(element.get("style") for element in page.iter("td"))
    assert page.xpath("//meta[@name='color-scheme']/@content") == ["light dark"]


@pytest.mark.parametrize(
    ("group", "named"), [("management", ["report.html"]), ("security", ["report.html", "report.xlsx"]), ("owner", []), ("summary", [])]
)
def test_what_goes_with_it_is_within_the_clearance(group: str, named: list[str]) -> None:
    someone = recipient("management", clearance=Clearance.SUMMARY) if group == "summary" else recipient(group)
    assert [name for name in str(message(view(), someone)["X-Report-Files"] or "").split(", ") if name] == named


def test_the_files_are_those_of_the_recipients_language() -> None:
    both = replace(view(), languages=("en", "de"), language=language("de"))
    made = message(both, recipient(language="de"))
    assert made["X-Report-Files"] == "report.de.html, report.de.xlsx"
    assert made["Content-Language"] == "de"


@pytest.mark.parametrize("code", codes())
def test_it_can_be_said_in_every_language(code: str) -> None:
    for group in Group:
        made = message(replace(view(owners=OWNERS), languages=codes(), language=language(code)), recipient(group.value, language=code))
        assert html.document_fromstring(text(made, "html")).get("lang") == code


def test_management_is_told_no_row_of_the_estate_and_security_the_worst_ones() -> None:
    seen = two_owners()
    assert "of others" not in text(message(seen, recipient("management")))
    assert "of others" in text(message(seen, recipient("security")))


def test_an_owner_is_told_of_its_own_rows_only() -> None:
    made = message(two_owners(), recipient("owner"))
    [part] = read(made).iter_attachments()
    book = load_workbook(BytesIO(part.get_content()))
    cells = {str(value) for sheet in book for line in sheet.iter_rows(values_only=True) for value in line}
    assert I in cells
    for strange in ("of others", OTHER, "all of us"):
        assert strange not in cells
        assert strange not in text(made)
        assert strange not in text(made, "html")
    assert "1 of 1 instances not protected" in made["Subject"]
    assert "scope could" not in text(made)


def test_the_default_owner_is_told_what_nobody_else_owns() -> None:
    seen = two_owners()
    instances = INSTANCES.frame([row(INSTANCES, owner=None), row(INSTANCES, instance_id=OTHER, owner="nobody's")])
    made = message(replace(seen, tables={**seen.tables, INSTANCES.name: instances}), recipient("owner", to="secops@example.com"))
    assert "2 of 2 instances" in made["Subject"]


def test_an_owner_who_was_noticed_in_this_run_has_no_second_message(tmp_path: Path) -> None:
    told = {"action": "notify_owner", "target": TO, "state": "verified", "run": "main-000001"}
    people = (recipient("security"), recipient("owner"), recipient("owner", to="orders@example.com"))
    REPORT.write(tmp_path, view(recipients=people, actions=[told]))
    assert sorted(path.name for path in (tmp_path / "mail").iterdir()) == ["001-security.eml", "003-owner.eml"]


@pytest.mark.parametrize("act", [{"run": None, "state": "planned"}, {"run": "main-000000", "state": "verified"}, {"action": "integrity_scan"}])
def test_a_notice_that_was_not_begun_in_this_run_takes_nothing_away(tmp_path: Path, act: dict[str, Any]) -> None:
    told = {"action": "notify_owner", "target": TO, "state": "verified", "run": "main-000001", **act}
    REPORT.write(tmp_path, view(recipients=(recipient("owner"),), actions=[told]))
    assert [path.name for path in (tmp_path / "mail").iterdir()] == ["001-owner.eml"]


def test_the_subject_says_what_fails_what_is_unknown_and_what_is_worst() -> None:
    assert message(view(), recipient())["Subject"] == "Workload compliance 2026-11-24: 1 fail, 0 unknown, 1 MEDIUM"


def test_the_subject_says_the_direction_since_the_run_before() -> None:
    changes = [row(CHANGES, str(number), change=kind, cause="world") for number, kind in enumerate(("new", "reopened", "fixed", "gone"))]
    tables = {table.name: table.frame([row(table)]) for table in TABLES} | {CHANGES.name: CHANGES.frame(changes)}
    made = message(view(tables, compared_with="main-000000"), recipient())
    assert str(made["Subject"]).endswith("(2 worse, 1 better)")
    assert "Since the last run (main-000000)" in text(made)
    assert "worse" not in message(view(tables), recipient())["Subject"]


def test_mails_that_were_not_sent_are_told_to_security() -> None:
    lost = ("main-000000", "email", "001-management", "ciso@example.com", "refused", NOW, "550 nobody of that name")
    fine = ("main-000000", "email", "002-security", TO, "sent", NOW, "250 ok")
    seen = replace(view(), tables={**view().tables, DELIVERIES.name: DELIVERIES.frame([lost, fine])})
    assert "ciso@example.com: refused. 550 nobody of that name" in text(message(seen, recipient()))
    assert TO not in text(message(seen, recipient()))
    assert "550" not in text(message(seen, recipient("management")))


def test_the_endpoint_and_what_is_not_done_are_said() -> None:
    made = message(view(endpoint_override="http://127.0.0.1:5000", held_back=("deliver.s3: later",)), recipient())
    for kind in ("plain", "html"):
        assert "http://127.0.0.1:5000" in text(made, kind)
        assert "deliver.s3: later" in text(made, kind)


@pytest.mark.parametrize("group", list(Group))
def test_hostile_text_is_harmless(group: Group) -> None:
    seen = replace(hostile(owners=OwnersSettings(addresses=dict.fromkeys(HOSTILE, TO))), checks=view().checks)
    data = message(seen, recipient(group.value)).as_bytes(policy=policy.SMTP)
    made = message_from_bytes(data, policy=policy.default)
    assert made.defects == []
    assert made.keys() == [name for name in made if name in _HEADERS]
    assert made["To"] == TO
    assert str(made["Subject"]).isprintable()
    assert max(len(line) for line in data.split(b"\r\n")) <= 998
    assert data.count(b"\n") == data.count(b"\r\n")
    plain, page = text(made), text(made, "html")
    for forbidden in ("\u202e", "\x00", "\x07", "\u2028"):
        assert forbidden not in plain + page
    parsed = html.document_fromstring(page)
    assert {element.tag for element in parsed.iter()}.isdisjoint({"script", "img"})
    assert not [name for element in parsed.iter() for name in element.attrib if str(name).startswith("on")]
    assert len(page) < 60_000
    assert [part.get_filename() for part in made.iter_attachments()] == (["your-rows.xlsx"] if group is Group.OWNER else [])


_HEADERS = {
    "Subject",
    "To",
    "Date",
    "Message-ID",
    "Auto-Submitted",
    "X-Auto-Response-Suppress",
    "X-Report-Run",
    "X-Report-Files",
    "MIME-Version",
    "Content-Type",
    "Content-Language",
}


def test_the_same_view_is_the_same_message_and_another_recipient_another_id() -> None:
    seen = two_owners()
    for group in Group:
        assert message(seen, recipient(group.value)).as_bytes() == message(seen, recipient(group.value)).as_bytes()
    ids = {str(message(seen, recipient(to=to))["Message-ID"]) for to in (TO, "ciso@example.com")}
    later = message(replace(seen, run_id="main-000002"), recipient())["Message-ID"]
    assert len({*ids, str(later)}) == 3


def test_an_empty_run_is_a_message() -> None:
    made = message(view({}, checks=(), owners=OWNERS), recipient("owner"))
    assert "0 of 0 instances" in made["Subject"]
    assert A not in text(made)
