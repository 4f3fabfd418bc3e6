"""Two nights of the small estate as people read them, kept as text: what a template, a sentence or a translation changes shows as a difference.

`make golden` writes the files in tests/golden anew; they are reviewed like code.
"""

from __future__ import annotations

import difflib
import json
import os
import re
from collections.abc import Iterator, Mapping
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from lxml import html

from reporter.core.language import language
from tests.clients.smtp_server import SmtpServer, serving
from tests.whole.conftest import Served
from tests.whole.sentences import left_english
from tests.whole.test_mail import CISO, OWNERS, SECOPS, Night, files, night, texts
from tests.whole.test_run import rows

pytestmark = pytest.mark.xdist_group("whole")

GOLDEN = Path(__file__).parents[1] / "golden"
RENEWED = os.environ.get("RENEW_GOLDEN") == "1"
EVENING = "2026-11-24T15:00:00Z"
PAGES = {"report.html.txt": "report.html", "report.de.html.txt": "report.de.html"}
TEXTS = {"README.txt": "README.txt", "LIESMICH.txt": "LIESMICH.txt"}
MAILS = {
    "mail.management.de.txt": CISO,
    "mail.security.en.txt": SECOPS,
    "mail.owner.de.txt": OWNERS["orders"],
    "mail.owner.en.txt": OWNERS["payments"],
}
NAMES = (*PAGES, *TEXTS, *MAILS, "mail.notice.de.txt", "heads.txt")
CHANGING = {r"\b[0-9a-f]{64}\b": "<hash>", r"127\.0\.0\.1:\d+": "127.0.0.1:<port>", r"T03:00:\d\dZ": "T03:00:<seconds>Z"}
"""what differs from run to run"""
ACTIONS = {"notify_owner": {"mode": "apply"}, "wait": "0m"}


@pytest.fixture(scope="module")
def nights(served: Served, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Night, Night]]:
    """Between them hours pass, a module more is required, two failures are accepted, and AWS refuses one source; one owner's mails are refused."""
    place = tmp_path_factory.mktemp("golden")
    with serving(SmtpServer(starttls=False)) as mail:
        mail.answers[f"rcpt {OWNERS['payments']}"] = "550 5.1.1 nobody of that name"
        owners = {"tag": "Owner", "addresses": OWNERS, "default": SECOPS}
        first = night(served, mail, place, actions=ACTIONS, owners=owners, reports={"languages": ["de", "en"]})
        mail.answers.clear()
        failed = [row for row in rows(first.run / "results.csv") if row["status"] == "FAIL"]
        exceptions = [_accepted(failed, "guardduty_enabled", "2026-11-30"), _accepted(failed, "instance_protected", "2027-03-31")]
        served.break_aws(service="inspector2", operation=None, account="222233334444", region="us-east-1", fault="access_denied", times=None)
        second = night(
            served,
            mail,
            place,
            EVENING,
            code=3,
            owners=owners,
            reports={"languages": ["en", "de"]},
            exceptions=exceptions,
            checks={"required_modules": ["anti_malware", "intrusion_prevention", "log_inspection"]},
        )
        served.forget()
        yield first, second


def _accepted(failed: list[dict[str, str]], check: str, expires: str) -> dict[str, str]:
    resource = min(row["resource"] for row in failed if row["check_id"] == check)
    people = {"owner": "owner@example.com", "approved_by": "ciso@example.com"}
    return {"check": check, "resource": resource, "reason": "replaced this quarter", "ticket": "SEC-7", "expires": expires, **people}


def visible(page: str) -> str:
    """What a page shows, one line for each heading, paragraph and row."""
    root: Any = html.document_fromstring(page.encode("utf-8"), parser=html.HTMLParser(encoding="utf-8"))
    for hidden in root.xpath("//style|//script|//head/meta"):
        hidden.getparent().remove(hidden)
    lines = []
    for element in root.xpath(
        "//title|//h1|//h2|//h3|//p|//li|//dl/div|//nav//a|//summary|//figcaption|//svg|//tr[not(.//tr)]|//*[@role='listitem']"
    ):
        cells = element.xpath("./th|./td|./dt|./dd|./*[@class='name']|./*[@class='value']")
        text = " | ".join(_plain(cell) for cell in cells) if cells else element.get("aria-label") or _plain(element)
        lines.append(_MARKS.get(element.tag, "") + text if text else "")
    return "\n".join(line for line in lines if line.strip()) + "\n"


_MARKS = {"h1": "\n# ", "h2": "\n## ", "h3": "\n### ", "summary": "\n> ", "li": "- ", "svg": "  "}


def _plain(element: Any) -> str:
    return " ".join(element.text_content().split())


def told(message: EmailMessage) -> str:
    """A mail: its subject, its text, what its page shows, and the names of what hangs on it."""
    plain, page = texts(message)
    return f"Subject: {message['Subject']}\nAttached: {', '.join(files(message))}\n\n{plain.strip()}\n\n=== as a page\n\n{visible(page)}"


@pytest.fixture(scope="module")
def shown(nights: tuple[Night, Night]) -> Mapping[str, str]:
    first, second = nights
    made = {name: visible((second.run / page).read_text(encoding="utf-8")) for name, page in PAGES.items()}
    made |= {name: (second.run / file).read_text(encoding="utf-8") for name, file in TEXTS.items()}
    made |= {name: told(second.arrived[to]) for name, to in MAILS.items()}
    made["mail.notice.de.txt"] = "\n".join(told(message) for _, message in sorted(first.arrived.items()) if "notice" in str(message["Message-ID"]))
    csvs = sorted(second.run.glob("*.csv"))
    made["heads.txt"] = "\n".join(f"{path.name}\n    {path.open(encoding='utf-8').readline().strip()}" for path in csvs) + "\n"
    for pattern, stands in CHANGING.items():
        made = {name: re.sub(pattern, stands, text) for name, text in made.items()}
    return made


@pytest.mark.parametrize("name", NAMES)
def test_a_run_reads_as_it_was_reviewed(shown: Mapping[str, str], name: str) -> None:
    path = GOLDEN / name
    if RENEWED:
        path.write_text(shown[name], encoding="utf-8", newline="\n")
    kept = path.read_text(encoding="utf-8") if path.exists() else ""
    difference = list(difflib.unified_diff(kept.splitlines(), shown[name].splitlines(), f"golden/{name}", "now", lineterm="", n=1))
    assert not difference, "\n".join([*difference[:120], "", "If this is meant: make golden, and review the difference."])


def test_no_golden_file_is_left_of_a_text_that_is_no_longer_kept() -> None:
    assert {path.name for path in GOLDEN.iterdir()} == set(NAMES)


def test_no_sentence_of_either_night_stays_english_in_german(nights: tuple[Night, Night]) -> None:
    german = language("de")
    for one in nights:
        said = json.loads((one.run / "run.json").read_text(encoding="utf-8"))
        assert left_english(one.run, german) == []
        assert german.left_english([*said["compared_notes"], *said.get("held_back", ())]) == []
