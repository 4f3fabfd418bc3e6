from __future__ import annotations

import csv
import random
import subprocess
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from reporter.core.language import language
from reporter.judge import discover
from reporter.reports import sheet as sheet_parts
from reporter.reports import workbook
from reporter.reports.cell_text import clean
from reporter.reports.workbook import REPORT, SHEETS
from reporter.tables.joined import BUCKET_ACCESS, INSTANCES, RESULTS
from tests.reports.views import HOSTILE, TABLES, bare, hostile, of, row, view

ABOVE = ("Work list", "Changes", "Exposure", "Checks")
BELOW = ("Exceptions", "Trend")


def book(folder: Path, seen: Any) -> Any:
    REPORT.write(folder, seen)
    return openpyxl.load_workbook(folder / "report.xlsx")


def instant(day: int, hour: int, minute: int, second: int) -> datetime:
    """UTC, written without its zone: Excel knows none."""
    return datetime(2026, 11, day, hour, minute, second, tzinfo=UTC).replace(tzinfo=None)


def named(sheet: Any, line: int = 2) -> dict[str, Any]:
    """Cells of one line by the name in the head."""
    return dict(zip((cell.value for cell in sheet[1]), sheet[line], strict=True))


def test_every_table_is_a_sheet_with_frozen_head_and_filter(tmp_path: Path) -> None:
    found = book(tmp_path, view())
    assert found.sheetnames == ["Summary", *ABOVE, *(title for title, _ in SHEETS), *BELOW]
    for title, file in SHEETS:
        sheet = found[title]
        assert [cell.value for cell in sheet[1]] == list(workbook.TABLES[file][1])
        assert all(cell.font.bold for cell in sheet[1])
        assert (sheet.freeze_panes, sheet.max_row) == ("A2", 2)
    for sheet in found.worksheets[1:]:
        (table,) = sheet.tables.values()
        assert [column.name for column in table.tableColumns] == [cell.value for cell in sheet[1]]
        assert table.ref == table.autoFilter.ref == f"A1:{sheet.cell(max(sheet.max_row, 2), sheet.max_column).coordinate}", sheet.title
    assert (found["Checks"].freeze_panes, found["Work list"].freeze_panes) == ("B2", "D2")


def test_a_printed_sheet_has_every_column_on_one_page_and_its_head_on_each(tmp_path: Path) -> None:
    found = book(tmp_path, view())
    for sheet in found.worksheets:
        setup = sheet.page_setup
        fits = sheet.sheet_properties.pageSetUpPr
        assert fits is not None
        assert (fits.fitToPage, setup.fitToWidth, setup.fitToHeight) == (True, 1, 0), sheet.title
        assert sheet.print_title_rows == (None if sheet.title == "Summary" else "$1:$1")
        assert (setup.orientation, setup.paperSize) == ("landscape", 8)


def test_heads_stand_over_what_they_name_and_all_is_in_one_typeface(tmp_path: Path) -> None:
    found = book(tmp_path, view())
    assert {cell.font.name for sheet in found.worksheets for line in sheet.iter_rows() for cell in line} == {"Calibri"}
    results = found["Results"]
    for head, cell in zip(results[1], results[2], strict=True):
        number = isinstance(cell.value, int) or head.value == "age_days"
        assert head.alignment.horizontal == ("right" if number else "left"), head.value
    assert [cell.alignment.horizontal for cell in found["Checks"][1]] == ["left"] * 4 + ["right"] * 5


def test_every_head_says_what_its_column_means(tmp_path: Path) -> None:
    found = book(tmp_path, view())
    notes = {cell.value: cell.comment.text if cell.comment else "" for cell in found["Results"][1]}
    assert notes == {column.name: column.about for column in RESULTS.columns if column.name in notes}


def test_a_german_book_has_german_heads_and_notes_and_keeps_the_words_of_the_record(tmp_path: Path) -> None:
    REPORT.write(tmp_path, replace(view(), languages=("en", "de"), language=language("de")))
    found = openpyxl.load_workbook(tmp_path / "report.de.xlsx")
    assert found.sheetnames[:3] == ["Zusammenfassung", "Arbeitsliste", "Änderungen"]
    results = found["Prüfergebnisse"]
    assert {"Schweregrad (severity)", "Ressource (resource)"} <= {cell.value for cell in results[1]}
    assert named(results)["Status (status)"].value == "FAIL"


def test_every_check_id_fits_its_column(tmp_path: Path) -> None:
    found = book(tmp_path, view())
    longest = max(len(check.id) for check in discover())
    assert all(found[title].column_dimensions["A"].width > longest for title in ("Checks", "Results"))


def test_numbers_and_dates_are_numbers_and_dates(tmp_path: Path) -> None:
    found = book(tmp_path, view())
    instance = named(found["Instances"])
    assert (instance["last_contact"].value, instance["last_contact"].number_format) == (instant(23, 1, 2, 3), "yyyy-mm-dd hh:mm:ss")
    assert (instance["computer_id"].value, instance["computer_id"].data_type) == (1234, "n")
    assert instance["duplicates"].value == "9, 10"
    scope = named(found["Scopes"])
    assert (scope["seconds"].value, scope["rows"].value) == (0.25, 1234)
    assert (named(found["Web entries"])["internet_facing"].value, named(found["Web entries"])["internet_facing"].data_type) == (True, "b")


def test_what_is_not_known_is_an_empty_cell(tmp_path: Path) -> None:
    found = book(tmp_path, of(INSTANCES, [bare(INSTANCES)]))
    cells = named(found["Instances"])
    assert {name for name, cell in cells.items() if cell.value is not None} == {"account", "region", "instance_id", "protection"}


def test_no_text_of_the_world_is_a_formula_an_error_or_a_link(tmp_path: Path) -> None:
    found = book(tmp_path, hostile(endpoint_override="=1+1", held_back=("@SUM(1)",)))
    for sheet in found.worksheets:
        for cell in (cell for line in sheet.iter_rows() for cell in line):
            assert cell.data_type in ("s", "n", "d", "b"), (sheet.title, cell.coordinate, cell.value)
            assert cell.hyperlink is None or not cell.hyperlink.target, (sheet.title, cell.coordinate)
    texts = {cell.value for cell in found["Results"]["G"][1:]}
    assert {"=cmd|'/C calc'!A0", "-2+3", "@SUM(1)", "#REF!", "<script>alert(1)</script>", "a\ufffdgnp.exe", "nul\ufffdbell\ufffd"} <= texts
    assert all(cell.quotePrefix for cell in found["Results"]["G"][1:] if cell.value.startswith(("=", "+", "-", "@", "#")))


def test_what_a_sheet_is_about_leads_to_its_console_unless_it_was_not_aws_that_was_asked(tmp_path: Path) -> None:
    role = "arn:aws:iam::111122223333:role/app"
    tables = {BUCKET_ACCESS.name: BUCKET_ACCESS.frame([row(BUCKET_ACCESS, role_arn=role)])}
    found = named(book(tmp_path, view(tables))["Bucket access"])
    assert found["role_arn"].hyperlink.target == "https://console.aws.amazon.com/iam/home#/roles/details/app"
    assert named(book(tmp_path, view(tables, endpoint_override="http://127.0.0.1:1"))["Bucket access"])["role_arn"].hyperlink is None


def test_a_text_that_excel_cannot_hold_is_cut_visibly() -> None:
    assert clean("x" * 32_767) == "x" * 32_767
    for text in ("x" * 32_768, "\N{GRINNING FACE}" * 16_384, "x" + "\N{GRINNING FACE}" * 16_384):
        cut = clean(text)
        assert cut.endswith(" … (cut; whole in the CSV file)")
        assert 32_765 <= len(cut.encode("utf-16-le")) // 2 <= 32_767


def test_a_table_longer_than_a_sheet_ends_with_where_the_rest_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sheet_parts, "MOST_ROWS", 3)
    found = book(tmp_path, of(RESULTS, [row(RESULTS, resource=f"i-{number}") for number in range(5)]))
    assert [cell.value for cell in found["Results"]["B"]][1:3] == ["i-0", "i-1"]
    assert found["Results"]["A4"].value == "cut here: 3 more rows are in results.csv"
    assert found["Results"].max_row == 4
    found = book(tmp_path, of(RESULTS, [row(RESULTS, resource=f"i-{number}") for number in range(4)]))
    assert found["Results"]["A4"].value == "cut here: 2 more rows are in results.csv"


def test_a_table_that_just_fits_is_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sheet_parts, "MOST_ROWS", 3)
    found = book(tmp_path, of(RESULTS, [row(RESULTS, resource=f"i-{number}") for number in range(3)]))
    assert found["Results"].max_row == 4
    assert not str(found["Results"]["A4"].value).startswith("cut")


def test_an_empty_run_still_has_every_sheet(tmp_path: Path) -> None:
    found = book(tmp_path, view({}))
    assert all(found[title].max_row == 1 for title in (*ABOVE[:3], *(title for title, _ in SHEETS), *BELOW))


def test_the_summary_names_the_run_what_was_not_done_and_every_count(tmp_path: Path) -> None:
    said = view(endpoint_override="http://127.0.0.1:5000", held_back=("state: not sent",), excluded=4, tenants=("main", "other"))
    sheet = book(tmp_path, said)["Summary"]
    cells = [(line[0].value, line[1].value if len(line) > 1 else None) for line in sheet.iter_rows()]
    assert cells[1:9] == [
        ("As of (UTC)", instant(24, 3, 0, 0)),
        ("Run", "main-000001"),
        ("Kind", "scheduled"),
        ("Tenants", "main, other"),
        ("Version", "0.1.0"),
        ("Not AWS itself: calls went to", "http://127.0.0.1:5000"),
        ("Not done", "state: not sent"),
        ("Instances outside the scope tag", 4),
    ]
    assert {("FAIL", 1), ("PASS", 0), ("unmanaged", 1), ("denied", 1), ("allowed", 1)} <= set(cells)


def test_checks_are_listed_with_their_worst_status(tmp_path: Path) -> None:
    sheet = book(tmp_path, view())["Checks"]
    assert [[cell.value for cell in line[:4]] for line in sheet.iter_rows(min_row=2)] == [
        ["firewall_active", "Firewall active", "MEDIUM", "FAIL"],
        ["agent_online", "Agent online <b>", "HIGH", "nothing judged"],
        ["scans", "Scans recent", "LOW", "nothing judged"],
    ]


def test_the_same_rows_in_any_order_give_the_same_bytes(tmp_path: Path) -> None:
    files = []
    for seed in range(2):
        texts = list(HOSTILE)
        random.Random(seed).shuffle(texts)
        folder = tmp_path / str(seed)
        folder.mkdir()
        ids = {text: f"i-{number}" for number, text in enumerate(HOSTILE)}
        REPORT.write(folder, view({table.name: table.frame(row(table, text, instance_id=ids[text]) for text in texts) for table in TABLES}))
        files.append((folder / "report.xlsx").read_bytes())
    assert files[0] == files[1]


@pytest.mark.spreadsheet
def test_libreoffice_opens_it_and_runs_nothing(tmp_path: Path, program: Callable[[str], str]) -> None:
    REPORT.write(tmp_path, hostile())
    options = "csv:Text - txt - csv (StarCalc):44,34,76,1,,0,false,true,false,false,false,-1"
    command = [program("soffice"), f"-env:UserInstallation={(tmp_path / 'profile').as_uri()}", "--headless", "--convert-to", options]
    subprocess.run([*command, "--outdir", str(tmp_path / "csv"), str(tmp_path / "report.xlsx")], check=True, capture_output=True, timeout=180)
    files = {path.stem.removeprefix("report-"): path for path in (tmp_path / "csv").glob("*.csv")}
    assert set(files) == {"Summary", *ABOVE, *(title for title, _ in SHEETS), *BELOW}
    with files["Results"].open(encoding="utf-8", newline="") as stream:
        lines = list(csv.DictReader(stream))
    assert len(lines) == len(HOSTILE)
    assert {"=cmd|'/C calc'!A0", "-2+3", "#REF!", "@SUM(1)"} <= {line["reason"] for line in lines}
    with files["Instances"].open(encoding="utf-8", newline="") as stream:
        assert {line["last_contact"] for line in csv.DictReader(stream)} == {"2026-11-23 01:02:03"}
