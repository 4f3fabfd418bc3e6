from __future__ import annotations

from pathlib import Path
from typing import Any

import openpyxl
import pandas as pd
import pytest

from reporter.core.language import ENGLISH
from reporter.core.table import Kind
from reporter.reports import sheet as parts
from reporter.reports.cells import COLOURS, add, distinct
from reporter.reports.package import Book
from reporter.reports.sheet import Rule, Sheet, Shown, place, titled
from tests.reports.views import NOW


def listed(count: int = 1, **changes: Any) -> Sheet:
    frame = pd.DataFrame({"resource": [f"r{number}" for number in range(count)]})
    given: dict[str, Any] = {
        "title": "Things",
        "table": "Things",
        "columns": (Shown("resource", "Resource", Kind.TEXT),),
        "frame": frame,
        "file": "things.csv",
    }
    return Sheet(**{**given, **changes})


def written(folder: Path, *sheets: Sheet) -> openpyxl.Workbook:
    made = Book("Things", NOW)
    for sheet in sheets:
        add(made, ENGLISH, sheet)
    made.write_to(folder / "things.xlsx")
    return openpyxl.load_workbook(folder / "things.xlsx")


@pytest.mark.parametrize(("text", "wanted"), [("a/b:c", "a-b-c"), ("'quoted'", "quoted"), ("", "-"), ("x" * 40, "x" * 31), ("[all]*?\\", "-all----")])
def test_a_title_is_one_that_a_spreadsheet_takes(text: str, wanted: str) -> None:
    assert titled(text) == wanted


def test_a_place_in_the_book_is_quoted() -> None:
    assert place("It's here", "B2") == "#'It''s here'!B2"


def test_links_beyond_what_a_sheet_can_hold_are_left_out_and_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts, "MOST_LINKS", 2)
    sheet = listed(4, links={"resource": lambda row: "" if row == 1 else "https://example.com/"})
    assert sheet.linked == (3, 1)
    found = written(tmp_path, sheet)["Things"]
    assert [bool(cell.hyperlink) for cell in found["A"][1:5]] == [True, False, True, False]
    assert str(found["A6"].value).startswith("1 cell of this sheet has no link")


def test_a_rule_is_over_every_row_and_looks_at_its_own(tmp_path: Path) -> None:
    sheet = listed(3, rules=(Rule(("resource",), '{resource}="r1"', "fail", last=True),))
    (block,) = written(tmp_path, sheet)["Things"].conditional_formatting
    (rule,) = block.rules
    assert (str(block.sqref), rule.formula, rule.stopIfTrue) == ("A2:A4", ['$A2="r1"'], True)
    assert rule.dxf.font.color.rgb.endswith("8C1D18")


def test_heads_that_are_alike_are_told_apart_for_a_table_has_none_twice() -> None:
    assert distinct(["Now", "now", "NOW", "other"]) == ["Now", "now 2", "NOW 3", "other"]


def test_a_table_without_rows_is_still_a_table(tmp_path: Path) -> None:
    found = written(tmp_path, listed(0))["Things"]
    assert found.tables["Things"].ref == "A1:A2"
    assert found.max_row == 1


@pytest.mark.parametrize("name", sorted(COLOURS))
def test_every_tone_is_legible(name: str) -> None:
    text, ground = COLOURS[name]
    light, dark = sorted((_luminance(text), _luminance(ground or "FFFFFF")), reverse=True)
    assert (light + 0.05) / (dark + 0.05) >= 4.5


def _luminance(colour: str) -> float:
    shares = [int(colour[at : at + 2], 16) / 255 for at in (0, 2, 4)]
    linear = [part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in shares]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
