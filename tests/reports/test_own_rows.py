from __future__ import annotations

from datetime import timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from io import BytesIO

import pandas as pd
import pytest
from openpyxl import load_workbook

from reporter.core.language import ENGLISH, language
from reporter.core.settings import OwnersSettings
from reporter.reports.own_rows import FILE, OwnRows, enclosing, own_rows
from reporter.tables.joined import FINDINGS, INSTANCES, RESULTS
from tests.reports.views import HOSTILE, NOW, A, row

MINE, THEIRS, NOBODYS = "i-0000000000000001", "i-0000000000000002", "i-0000000000000003"
TO, OTHER, DEFAULT = "payments@example.com", "orders@example.com", "secops@example.com"
OWNERS = OwnersSettings(addresses={"payments": TO, "billing": TO, "orders": OTHER}, default=DEFAULT)


def tables(**owners: str | None) -> dict[str, pd.DataFrame]:
    """One instance, result and finding of each owner, and a result of the whole account."""
    owned = {MINE: "payments", THEIRS: "orders", NOBODYS: None, **owners}
    return {
        INSTANCES.name: INSTANCES.frame(row(INSTANCES, instance_id=name, owner=owner) for name, owner in owned.items()),
        RESULTS.name: RESULTS.frame(
            [*(row(RESULTS, resource=name, owner=owner) for name, owner in owned.items()), row(RESULTS, resource=A, owner=None)]
        ),
        FINDINGS.name: FINDINGS.frame(row(FINDINGS, finding_id=f"f-{name}", instance_id=name, owner=owner) for name, owner in owned.items()),
    }


def seen(rows: OwnRows) -> tuple[set[str], set[str], set[str]]:
    return set(rows.instances["instance_id"]), set(rows.results["resource"]), set(rows.findings["finding_id"])


@pytest.mark.parametrize(("address", "instance"), [(TO, MINE), (OTHER, THEIRS), (DEFAULT, NOBODYS)])
def test_each_address_has_the_rows_of_its_instances(address: str, instance: str) -> None:
    assert seen(own_rows(tables(), OWNERS, address)) == ({instance}, {instance}, {f"f-{instance}"})


def test_all_tags_of_an_address_are_its_own() -> None:
    rows = own_rows(tables(**{THEIRS: "billing"}), OWNERS, TO)
    assert seen(rows)[0] == {MINE, THEIRS}
    assert len(rows.unprotected) == 2


@pytest.mark.parametrize("address", ["", "nobody@example.com"])
def test_an_address_that_owns_nothing_sees_nothing(address: str) -> None:
    assert seen(own_rows(tables(), OWNERS, address)) == (set(), set(), set())


def test_without_tables_there_are_no_rows() -> None:
    assert seen(own_rows({}, OWNERS, TO)) == (set(), set(), set())


def test_a_result_about_something_else_is_of_the_owner_that_it_names() -> None:
    given = tables()
    bucket = RESULTS.frame([row(RESULTS, resource="arn:aws:s3:::ledger", owner="payments")])
    given[RESULTS.name] = RESULTS.conform(pd.concat([given[RESULTS.name], bucket]))
    assert seen(own_rows(given, OWNERS, TO))[1] == {MINE, "arn:aws:s3:::ledger"}
    assert seen(own_rows(given, OWNERS, OTHER))[1] == {THEIRS}


def test_the_workbook_holds_them_and_no_formula_and_is_the_same_each_time() -> None:
    given = {RESULTS.name: RESULTS.frame(row(RESULTS, text, resource=MINE) for text in HOSTILE[:6]), INSTANCES.name: tables()[INSTANCES.name]}
    rows = own_rows(given, OWNERS, TO)
    book = rows.workbook("main-000001", NOW, ENGLISH)
    assert book == rows.workbook("main-000001", NOW, ENGLISH)
    cells = [cell for sheet in load_workbook(BytesIO(book)) for line in sheet.iter_rows() for cell in line]
    assert MINE in {cell.value for cell in cells}
    assert {cell.data_type for cell in cells}.isdisjoint({"f"})


def notice() -> EmailMessage:
    made = EmailMessage(policy=policy.SMTP)
    made["Subject"] = "1 unprotected instance"
    made["To"] = TO
    made["Message-ID"] = "<notice.1@reporter.invalid>"
    made.set_content("The notice.\n", cte="quoted-printable")
    made.add_alternative("<html><body><p>The notice.</p></body></html>\n", subtype="html", cte="quoted-printable")
    return made


def test_a_notice_is_the_head_of_the_mail_that_carries_the_rows() -> None:
    given = notice()
    before = given.as_bytes()
    made = message_from_bytes(enclosing(given, own_rows(tables(), OWNERS, TO), "main-000001", NOW, ENGLISH).as_bytes(), policy=policy.default)
    assert (made["Subject"], made["To"], made["Message-ID"]) == ("1 unprotected instance", TO, "<notice.1@reporter.invalid>")
    plain, page = (made.get_body((kind,)) for kind in ("plain", "html"))
    assert plain is not None
    assert page is not None
    said = "Of the results about your instances 1 fail and 0 are unknown."
    assert plain.get_content().replace("\r\n", "\n").startswith(f"The notice.\n\n{said}")
    assert page.get_content().index("The notice") < page.get_content().index(said) < page.get_content().index("</body>")
    assert [part.get_filename() for part in made.iter_attachments()] == [FILE]
    assert made.get_content_type() == "multipart/mixed"
    assert given.as_bytes() == before


def test_the_owner_reads_it_in_its_language() -> None:
    made = enclosing(notice(), own_rows(tables(), OWNERS, TO), "main-000001", NOW + timedelta(days=1), language("de"))
    body = made.get_body(("plain",))
    assert body is not None
    assert "Of the results" not in body.get_content()


def test_a_notice_of_text_alone_is_one_too() -> None:
    plain = EmailMessage(policy=policy.SMTP)
    plain["To"] = TO
    plain.set_content("The notice.\n")
    made = enclosing(plain, own_rows(tables(), OWNERS, TO), "main-000001", NOW, ENGLISH)
    assert made.get_body(("html",)) is None
    assert [part.get_filename() for part in made.iter_attachments()] == [FILE]
