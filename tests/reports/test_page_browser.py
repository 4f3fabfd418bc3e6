from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from reporter.core.language import language
from reporter.reports.page import REPORT
from reporter.reports.view import View
from reporter.tables.joined import CHANGES, EXCEPTIONS, RESULTS, TREND
from tests.reports.views import hostile, row, view

pytestmark = pytest.mark.browser

QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@pytest.fixture
def browser(program: Callable[[str], str]) -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=program("chromium"), args=list(QUIET))
        yield started
        started.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_the_page_opens_from_a_file_alone_and_fits_the_screen(tmp_path: Path, browser: Any, width: int, scheme: str) -> None:
    REPORT.write(tmp_path, hostile(endpoint_override="http://127.0.0.1:5000/a-very-long-path-without-any-place-to-break-a-line" * 2))
    address = (tmp_path / "report.html").as_uri()
    page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
    requests: list[str] = []
    said: list[str] = []
    page.on("request", lambda request: requests.append(request.url))
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("dialog", lambda dialog: said.append(dialog.message))
    page.goto(address, wait_until="load")
    assert requests == [address]
    assert said == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate("getComputedStyle(document.querySelector('header')).backgroundColor") != "rgba(0, 0, 0, 0)"
    assert page.locator("script[src], img, iframe, object, embed, link, form").count() == 0
    for link in page.locator("nav a").all():
        assert page.locator(link.get_attribute("href")).count() == 1


def test_why_a_row_is_there_is_seen_without_scrolling_sideways(tmp_path: Path, browser: Any) -> None:
    REPORT.write(tmp_path, view())
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    page.goto((tmp_path / "report.html").as_uri(), wait_until="load")
    ends = page.evaluate("[...document.querySelectorAll('th')].filter(th => th.textContent === 'Why').map(th => th.getBoundingClientRect().right)")
    assert len(ends) == 4
    assert max(ends) <= 1280


def _ranked(**changes: Any) -> View:
    """Failures whose order by severity, by number and by name all differ."""
    found = [("i-2", "LOW", 1000), ("i-10", "CRITICAL", 20), ("i-1", "MEDIUM", 3), ("i-3", "HIGH", None), ("i-4", "HIGH", 7), ("i-5", "HIGH", 8)]
    rows = [row(RESULTS, resource=name, severity=severity, age_days=days) for name, severity, days in found]
    return view({RESULTS.name: RESULTS.frame(rows)}, **changes)


def _column(page: Any, number: int) -> list[str]:
    return [text.strip() for text in page.locator(f"#first tbody tr:visible td:nth-child({number})").all_text_contents()]


@pytest.mark.parametrize("code", ["en", "de"])
def test_the_head_of_a_column_sorts_by_the_keyboard_too_and_the_third_time_all_is_as_it_was(tmp_path: Path, browser: Any, code: str) -> None:
    REPORT.write(tmp_path, _ranked(languages=(code,), language=language(code)))
    page = browser.new_page()
    page.goto((tmp_path / "report.html").as_uri(), wait_until="load")
    before = _column(page, 3)
    for head, column, order in ((6, 3, ["i-1", "i-4", "i-5", "i-10", "i-2", "i-3"]), (1, 1, ["CRITICAL", "HIGH", "HIGH", "HIGH", "MEDIUM", "LOW"])):
        cell = page.locator(f"#first th:nth-child({head})")
        cell.locator("button").focus()
        page.keyboard.press("Enter")
        assert cell.get_attribute("aria-sort") == "ascending"
        assert _column(page, column) == order
        page.keyboard.press("Enter")
        assert cell.get_attribute("aria-sort") == "descending"
        page.keyboard.press("Enter")
        assert page.locator("#first th[aria-sort]").count() == 0
        assert _column(page, 3) == before
    page.locator("#first th:nth-child(6) button").click(click_count=2)
    assert _column(page, 3)[-1] == "i-3"  # what has no value is last both ways


def test_rows_are_filtered_by_words_and_what_is_left_is_said(tmp_path: Path, browser: Any) -> None:
    REPORT.write(tmp_path, _ranked(languages=("de",), language=language("de")))
    page = browser.new_page()
    page.goto((tmp_path / "report.html").as_uri(), wait_until="load")
    field = page.get_by_role("searchbox").first
    field.fill("high i-4")
    assert _column(page, 3) == ["i-4"]
    assert page.get_by_role("status").first.text_content() == "1 von 6 Zeilen"
    field.fill("")
    assert len(_column(page, 3)) == 6


def test_without_its_script_the_page_is_whole(tmp_path: Path, browser: Any) -> None:
    REPORT.write(tmp_path, _ranked())
    page = browser.new_context(java_script_enabled=False).new_page()
    page.goto((tmp_path / "report.html").as_uri(), wait_until="load")
    assert len(_column(page, 3)) == 6
    assert page.locator("button, input").count() == 0


def _rich() -> View:
    """A view with something in every section: two runs to compare, several accounts, exposed hosts."""
    seen = view(compared_with="main-000000", compared_notes=("a note",), languages=("en", "de"))
    runs = [
        row(TREND, run=f"main-00000{n}", failed=5 - n, unknown=n, protected=3, instances=4, at=seen.now - timedelta(days=2 - n)) for n in range(3)
    ]
    return replace(
        seen,
        tables={
            **seen.tables,
            TREND.name: TREND.frame(runs),
            CHANGES.name: CHANGES.frame([row(CHANGES, change="new", cause="world")]),
            EXCEPTIONS.name: EXCEPTIONS.frame([row(EXCEPTIONS, ticket=f"T-{n}", expires=f"2026-12-0{n}") for n in range(1, 8)]),
        },
    )


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("code", ["en", "de"])
def test_axe_finds_nothing_serious(tmp_path: Path, browser: Any, scheme: str, code: str) -> None:
    from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]

    REPORT.write_all(tmp_path, _rich())
    page = browser.new_page(viewport={"width": 1280, "height": 900}, color_scheme=scheme)
    page.goto((tmp_path / ("report.html" if code == "en" else "report.de.html")).as_uri(), wait_until="load")
    found = Axe().run(page, options={"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}).response
    assert len(found["passes"]) > 10
    assert [(one["id"], [node["html"][:120] for node in one["nodes"][:3]]) for one in found["violations"]] == []


def test_the_page_prints_on_a4_with_its_table_heads_repeated(tmp_path: Path, browser: Any) -> None:
    REPORT.write(tmp_path, _rich())
    page = browser.new_page()
    page.goto((tmp_path / "report.html").as_uri(), wait_until="load")
    page.pdf(path=str(tmp_path / "report.pdf"), prefer_css_page_size=True)
    assert (tmp_path / "report.pdf").read_bytes().startswith(b"%PDF")
    page.emulate_media(media="print")
    control = page.locator("#controls details td").first
    assert control.is_visible()  # what is folded on the screen is whole on paper
    assert not page.locator(".filter").first.is_visible()
    assert page.evaluate("getComputedStyle(document.querySelector('thead')).display") == "table-header-group"
    assert page.evaluate("getComputedStyle(document.querySelector('nav')).display") == "none"
