"""A nightly run that mails its report, against a mail server of its own: what each recipient opens, and what the next run says of it."""

from __future__ import annotations

import hashlib
import io
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml
from lxml import html
from openpyxl import load_workbook

from tests.clients.smtp_server import SmtpServer, serving
from tests.whole.conftest import Served
from tests.whole.test_run import CLOCK, reporter, rows

pytestmark = pytest.mark.xdist_group("whole")

LATER = "2026-11-25T03:00:00Z"
CISO, SECOPS, GONE = "ciso@example.com", "security@example.com", "platform@example.com"
OWNERS = {"payments": "payments@example.com", "orders": "orders@example.com", "platform": GONE}
INSTANCE = re.compile(r"\bi-[0-9a-f]{17}\b")


@dataclass
class Night:
    """One run and what arrived."""

    run: Path
    said: str
    warned: str
    arrived: Mapping[str, EmailMessage]

    @property
    def seal(self) -> str:
        return hashlib.sha256((self.run / "SEAL.txt").read_bytes()).hexdigest()


def night(served: Served, mail: SmtpServer, place: Path, at: str = CLOCK, code: int = 0, **changes: Any) -> Night:
    value = yaml.safe_load(served.schedule)
    email = {
        "sender": "reporter@example.com",
        "smtp": {"host": "127.0.0.1", "port": mail.port, "security": "none"},
        "owners": True,
        "recipients": [
            {"to": CISO, "group": "management", "language": "de"},
            {"to": SECOPS, "group": "security"},
            {"to": OWNERS["orders"], "group": "owner", "language": "de"},
        ],
    }
    value.update({"deliver": {"email": {**email, **changes.pop("email", {})}}, **changes})
    schedule = place / "schedule.yaml"
    schedule.write_text(yaml.safe_dump(value), encoding="utf-8")
    mail.taken.clear()
    done = reporter(served, "run", "--schedule", schedule, "--out", place / "out", "--now", at)
    assert done.returncode == code, done.stdout + done.stderr
    arrived = {taken.recipients[0]: message_from_bytes(taken.data, policy=policy.default) for taken in mail.taken}
    assert len(arrived) == len(mail.taken), "two mails to one address"
    return Night(Path(done.stdout.splitlines()[-1]), done.stdout, done.stderr, arrived)


@pytest.fixture(scope="module")
def mail() -> Iterator[SmtpServer]:
    with serving(SmtpServer(starttls=False)) as running:
        yield running


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("mail")


@pytest.fixture(scope="module")
def first(served: Served, mail: SmtpServer, place: Path) -> Night:
    mail.answers[f"rcpt {GONE}"] = "550 5.1.1 nobody of that name"
    return night(served, mail, place)


@pytest.fixture(scope="module")
def second(served: Served, first: Night, mail: SmtpServer, place: Path) -> Night:
    del first
    mail.answers.clear()
    return night(served, mail, place, LATER)


def texts(message: EmailMessage) -> tuple[str, str]:
    parts = [message.get_body((kind,)) for kind in ("plain", "html")]
    assert all(parts)
    plain, page = (part.get_content() for part in parts if part is not None)
    return plain, page


def files(message: EmailMessage) -> dict[str, bytes]:
    return {str(part.get_filename()): bytes(part.get_payload(decode=True)) for part in message.iter_attachments()}


def cells(book: bytes) -> str:
    sheets = load_workbook(io.BytesIO(book), read_only=True).worksheets
    return "\n".join(str(value) for sheet in sheets for row in sheet.iter_rows(values_only=True) for value in row if value is not None)


def test_everybody_named_gets_one_mail_and_the_refused_one_is_said(first: Night) -> None:
    assert set(first.arrived) == {CISO, SECOPS, OWNERS["payments"], OWNERS["orders"]}
    assert f"refused  {GONE}" in first.warned
    assert "nobody of that name" in first.warned
    assert f"sent  {CISO}" in first.said


def test_each_mail_names_the_seal_of_its_run(first: Night) -> None:
    for message in first.arrived.values():
        assert message["X-Report-Seal"].strip() == first.seal
        assert all(first.seal in text for text in texts(message))
        assert message["From"] == "reporter@example.com"


def test_what_is_attached_is_what_was_sealed(first: Night) -> None:
    assert files(first.arrived[CISO]) == {"report.de.html": (first.run / "report.de.html").read_bytes()}
    got = files(first.arrived[SECOPS])
    assert got == {name: (first.run / name).read_bytes() for name in ("report.html", "report.xlsx")}
    assert "Results" in load_workbook(io.BytesIO(got["report.xlsx"]), read_only=True).sheetnames
    assert html.document_fromstring(got["report.html"].decode()).findtext(".//h1")


def test_the_subject_says_the_numbers_of_the_record(first: Night) -> None:
    results = rows(first.run / "results.csv")
    failed, unknown = (sum(row["status"] == status for row in results) for status in ("FAIL", "UNKNOWN"))
    found = re.search(r": (\d+) fail, (\d+) unknown", str(first.arrived[SECOPS]["Subject"]))
    assert found is not None
    assert (int(found[1]), int(found[2])) == (failed, unknown)


def test_management_is_told_no_row_of_the_estate(first: Night) -> None:
    assert [INSTANCE.findall(text) for text in texts(first.arrived[CISO])] == [[], []]
    assert INSTANCE.findall(texts(first.arrived[SECOPS])[0])


def test_a_recipient_reads_its_language(first: Night) -> None:
    assert first.arrived[CISO]["Content-Language"] == "de"
    assert html.document_fromstring(texts(first.arrived[CISO])[1]).get("lang") == "de"
    assert first.arrived[SECOPS]["Content-Language"] == "en"


@pytest.mark.parametrize("tag", ["payments", "orders"])
def test_an_owner_sees_its_own_rows_and_no_others(first: Night, tag: str) -> None:
    instances = rows(first.run / "instances.csv")
    own = {row["instance_id"] for row in instances if row["owner"] == tag}
    assert own
    message = first.arrived[OWNERS[tag]]
    got = files(message)
    assert list(got) == ["your-rows.xlsx"]
    named = set(INSTANCE.findall(cells(got["your-rows.xlsx"])))
    assert named == own
    for text in texts(message):
        assert set(INSTANCE.findall(text)) <= own


def test_what_is_in_mail_is_sealed_and_holds_no_hash_of_its_own_seal(first: Night) -> None:
    listed = (first.run / "SHA256SUMS").read_text()
    names = sorted(path.name for path in (first.run / "mail").iterdir())
    assert names == ["001-management.eml", "002-security.eml", "003-owner.eml", "004-owner.eml", "005-owner.eml"]
    assert all(f"mail/{name}" in listed for name in names)
    assert not any(first.seal.encode() in path.read_bytes() for path in (first.run / "mail").iterdir())


def test_the_next_run_says_what_became_of_the_mails(first: Night, second: Night) -> None:
    assert GONE in second.arrived
    told = pd.read_parquet(second.run / "tables" / "deliveries.parquet")
    assert dict(zip(told["recipient"], told["state"], strict=True)) == {**dict.fromkeys(first.arrived, "sent"), GONE: "refused"}
    assert set(told["run"]) == {"main-000001"}
    plain, _ = texts(second.arrived[SECOPS])
    assert GONE in plain
    assert "nobody of that name" in plain
    assert GONE not in texts(second.arrived[CISO])[0]


def test_message_ids_tell_runs_and_recipients_apart(first: Night, second: Night) -> None:
    ids = [message["Message-ID"] for one in (first, second) for message in one.arrived.values()]
    assert len(set(ids)) == len(ids)


def test_the_page_of_the_next_run_names_the_mail_that_was_refused(second: Night) -> None:
    assert GONE in (second.run / "report.html").read_text(encoding="utf-8")


def test_an_owner_who_is_noticed_gets_one_mail_with_the_notice_at_its_head(served: Served, mail: SmtpServer, tmp_path: Path) -> None:
    mail.answers.clear()
    noticed = night(served, mail, tmp_path, actions={"notify_owner": {"mode": "apply"}, "wait": "0m"}, owners={"tag": "Owner", "addresses": OWNERS})
    told = {to for to, message in noticed.arrived.items() if str(message["Message-ID"]).startswith("<notice.")}
    assert told
    assert told < set(noticed.arrived)
    instances = rows(noticed.run / "instances.csv")
    by_address = {OWNERS[tag]: {row["instance_id"] for row in instances if row["owner"] == tag} for tag in OWNERS}
    for to in told:
        got = files(noticed.arrived[to])
        assert list(got) == ["your-rows.xlsx"]
        assert set(INSTANCE.findall(cells(got["your-rows.xlsx"]))) == by_address[to]
    assert not any(to.encode() in path.read_bytes() for path in (noticed.run / "mail").glob("*-owner.eml") for to in told)


def test_where_nobody_takes_a_mail_the_run_is_whole_and_the_exit_code_says_it(served: Served, mail: SmtpServer, tmp_path: Path) -> None:
    mail.answers["rcpt"] = "550 5.7.1 no"
    try:
        lost = night(served, mail, tmp_path, code=1)
    finally:
        mail.answers.clear()
    assert lost.arrived == {}
    assert (lost.run / "SEAL.txt.sig").is_file()
    assert "reached nobody" in lost.warned
