"""The workbook's first sheet: the run, its figures beside those of the run before, what the other sheets hold, and charts of the figures."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from typing import Any

from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.chart import BarChart, LineChart, Reference
from openpyxl.chart.label import DataLabelList
from openpyxl.chart.legend import Legend
from openpyxl.chart.marker import DataPoint
from openpyxl.chart.shapes import GraphicalProperties
from openpyxl.styles import Alignment
from openpyxl.utils import get_column_letter, quote_sheetname

from reporter.core.language import SOURCE, Language
from reporter.reports.cells import (
    HEAD,
    HEAD_FILL,
    LINE,
    PLAIN,
    STRONG,
    TITLE,
    beside,
    counted,
    cuts,
    formatted,
    lines_of,
    linked,
    placed,
    printable,
    styled,
    tall,
)
from reporter.reports.page import TONES
from reporter.reports.sheet import Sheet, place, titled
from reporter.reports.view import View

_WIDTHS = {"A": 58, "B": 14, "C": 14, "D": 14, "E": 34, "F": 3}
_CHARTS = "G"
_INK = {"fail": "B3261E", "unknown": "E0A100", "waived": "7E5FA6", "pass": "2E7D4F", "na": "8A949E"}
_HEIGHT = 6.4
"""of a chart at least, in cm"""
_POINTS = 72 / 2.54
"""in one cm"""


@dataclass(frozen=True)
class Figure:
    """One number of the run, that of the run before where there is one, and whether more of it is better (1), worse (-1) or neither (0)."""

    name: str
    now: int
    before: int | None
    good: int


class _Lines:
    """The sheet, and how many lines it has."""

    def __init__(self, page: Any, said: Language) -> None:
        self.page, self.said, self.heights = page, said, list[float]()

    @property
    def count(self) -> int:
        return len(self.heights)

    def add(self, *cells: Any, height: float = LINE) -> None:
        self.page.append(list(cells))
        self.heights.append(height)

    def across(self, first: str, *cells: Any) -> None:
        """The last of the cells is a text that has the room from this column to the last one."""
        letters = list(_WIDTHS)[:5]
        self.page.merged_cells.add(f"{first}{self.count + 1}:{letters[-1]}{self.count + 1}")
        width = sum(_WIDTHS[letter] for letter in letters[letters.index(first) :])
        self.add(*cells, height=tall(self.page, self.count + 1, lines_of(cells[-1].value, width)))

    def below(self, points: float) -> int:
        """The first line that begins at least so far down."""
        at, line = 0.0, 1
        for height in self.heights:
            if at >= points:
                break
            at, line = at + height, line + 1
        return line + max(ceil((points - at) / LINE), 0)

    def text(self, text: str, font: Any = STRONG) -> None:
        self.add(styled(self.page, text, font))

    def heads(self, *heads: str, right: Container[int] = ()) -> None:
        cells = []
        for number, head in enumerate(heads):
            cell = styled(self.page, head, HEAD) if head else WriteOnlyCell(self.page)
            cell.fill, cell.alignment = (
                HEAD_FILL,
                Alignment(horizontal="right" if number in right else "left", indent=int(number > 1 and number not in right)),
            )
            cells.append(cell)
        self.add(*cells)


def add_summary(book: Workbook, view: View, sheets: Sequence[Sheet], trend: Sheet) -> None:
    """The sheet. `sheets`: all that follow, in their order; `trend`: that of them which the chart of the last runs is drawn from."""
    said, _ = view.language, view.language.gettext
    page = printable(book.create_sheet(titled(_("Summary"))))
    for letter, width in _WIDTHS.items():
        page.column_dimensions[letter].width = width
    page.sheet_view.showGridLines = False
    lines = _Lines(page, said)
    lines.text(_("Workload compliance report"), TITLE)
    for name, value in _facts(view):
        lines.across("B", placed(page, name, STRONG), beside(page, value))
    lines.add()
    _figures(lines, view)
    lines.add()
    _contents(lines, view, sheets)
    charted: dict[str, tuple[int, tuple[str, ...]]] = {}
    for title, counts in _blocks(view):
        lines.add()
        lines.text(title)
        for name, count in counts.items():
            lines.add(styled(page, named(said, name), STRONG if count and TONES.get(name) == "fail" else PLAIN), counted(page, count))
        charted[title] = (lines.count - len(counts) + 1, tuple(counts))
    _charts(lines, view, charted, trend)
    page.close()


def figures(view: View) -> list[Figure]:
    """What readers compare from run to run. The run before is the last but one of the trend, where there is one to compare with."""
    _ = view.language.gettext
    status, patches, changes = view.by_status(), view.by_patch_state(), view.by_change()
    protection, entries, scopes = view.by_protection(), view.by_entry_state(), view.by_scope_state()
    failed = view.failures()["severity"].value_counts().to_dict()
    trend = view.trend()
    last: Mapping[str, Any] = trend.iloc[-2].to_dict() if view.compared_with and len(trend) > 1 else {}

    def figure(name: str, now: int, column: str, good: int) -> Figure:
        before = last.get(column)
        return Figure(name, now, None if before is None or before != before else int(before), good)  # noqa: PLR0124

    found = [
        figure(_("Results that fail"), status["FAIL"], "failed", -1),
        figure(_("… of severity CRITICAL"), int(failed.get("CRITICAL", 0)), "failed_critical", -1),
        figure(_("… of severity HIGH"), int(failed.get("HIGH", 0)), "failed_high", -1),
        figure(_("… past their due date"), len(view.overdue()), "overdue", -1),
        figure(_("Results that are unknown"), status["UNKNOWN"], "unknown", -1),
        figure(_("Failures that are accepted"), status["WAIVED"], "waived", 0),
        figure(_("Results that pass"), status["PASS"], "passed", 1),
        figure(_("Instances in scope"), sum(protection.values()), "instances", 0),
        figure(_("… that are protected"), protection["protected"], "protected", 1),
        figure(_("Open package vulnerabilities"), sum(patches.values()), "cves", -1),
        figure(_("… that an IPS rule prevents (a virtual patch is not a patch)"), patches["prevented"], "prevented", 1),
        figure(_("Web entries"), sum(entries.values()), "web_entries", 0),
        figure(_("… that are covered"), entries["covered"], "covered", 1),
        figure(_("Scopes that could not be read"), scopes["denied"] + scopes["unavailable"], "scopes_unread", -1),
    ]
    if view.compared_with:
        found.append(figure(_("New or reopened failures"), changes["new"] + changes["reopened"], "new", -1))
        found.append(figure(_("Failures put right"), changes["fixed"], "fixed", 1))
    return found


def named(said: Language, name: str) -> str:
    """A state as it stands in the record, with its word where the language is another: FAIL (nicht erfüllt)."""
    word = said.words(name.lower())
    return name if said.code == SOURCE or word == name.lower() else f"{name} ({word})"


def _facts(view: View) -> list[tuple[str, Any]]:
    said, _ = view.language, view.language.gettext
    facts: list[tuple[str, Any]] = [
        (_("As of (UTC)"), view.now),
        (_("Run"), view.run_id),
        (_("Kind"), said.words(view.kind)),
        (_("Tenants"), ", ".join(view.tenants)),
        (_("Version"), view.version),
    ]
    if view.endpoint_override:
        facts.append((_("Not AWS itself: calls went to"), view.endpoint_override))
    facts += [(_("Not done"), said.reason(sentence)) for sentence in view.held_back]
    if view.excluded:
        facts.append((_("Instances outside the scope tag"), view.excluded))
    if view.compared_with:
        facts.append((_("Compared with the run"), view.compared_with))
    return [*facts, *((_("About the comparison"), said.reason(sentence)) for sentence in view.compared_notes)]


def _figures(lines: _Lines, view: View) -> None:
    """Figure, now, in the run before, the difference, and whether it is better or worse."""
    _ = view.language.gettext
    lines.heads(_("Figure"), _("Now"), _("Run before"), _("Difference"), _("Direction"), right=(1, 2, 3))
    first = lines.count + 1
    words = {1: _("better"), -1: _("worse"), 0: _("changed")}
    for one in figures(view):
        difference = None if one.before is None else one.now - one.before
        direction = None if difference is None else words[one.good * (difference > 0) - one.good * (difference < 0)] if difference else _("unchanged")
        page = lines.page
        numbers = (counted(page, one.now), counted(page, one.before), counted(page, difference, signed=True))
        lines.add(placed(page, one.name), *numbers, None if direction is None else placed(page, direction, indent=1))
    cells = f"D{first}:E{lines.count}"
    for good, tone in ((1, "pass"), (-1, "fail")):
        formatted(lines.page, cells, f'$E{first}="{words[good].replace(chr(34), chr(34) * 2)}"', tone)


def _contents(lines: _Lines, view: View, sheets: Sequence[Sheet]) -> None:
    """A link to every sheet, how many rows it has, what it holds and what it does not."""
    said, _ = view.language, view.language.gettext
    lines.heads(_("Sheet"), _("Rows"), _("What it holds"), "", "", right=(1,))
    for sheet in sheets:
        holds = "; ".join([sheet.about, *cuts(said, sheet, sheet.linked[1])])
        link = linked(lines.page, titled(sheet.title), place(sheet.title))
        lines.across("C", link, counted(lines.page, len(sheet.frame)), placed(lines.page, holds, wrap_text=True, indent=1))


def _blocks(view: View) -> list[tuple[str, dict[str, int]]]:
    _ = view.language.gettext
    return [
        (_("Results"), view.by_status()),
        (_("Results, had nobody accepted a failure"), view.by_status_without_exceptions()),
        (_("Instances"), view.by_protection()),
        (_("Virtual patches (a virtual patch is not a patch)"), view.by_patch_state()),
        (_("Bucket access"), view.by_decision()),
        (_("Web entries"), view.by_entry_state()),
        (_("Findings"), view.by_finding_source()),
        (_("Actions"), view.by_action_state()),
        (_("Scopes"), view.by_scope_state()),
    ]


def _charts(lines: _Lines, view: View, charted: Mapping[str, tuple[int, tuple[str, ...]]], trend: Sheet) -> None:
    """Beside the cells that they are drawn from. What a chart shows stands in these cells, to be read without it."""
    _ = view.language.gettext
    blocks = list(charted.items())
    drawn = [_bars(lines.page, title, *blocks[number][1]) for number, title in ((0, _("Results")), (2, _("Protection")), (3, _("Virtual patches")))]
    if len(trend.frame) > 1:
        drawn.append(_last_runs(view, trend))
    down = 2 * LINE
    for chart in drawn:
        lines.page.add_chart(chart, f"{_CHARTS}{lines.below(down)}")
        down += chart.height * _POINTS + LINE


def _bars(page: Any, title: str, first: int, names: tuple[str, ...]) -> Any:
    chart = BarChart()
    chart.type, chart.style, chart.gapWidth = "bar", 10, 40
    chart.title, chart.legend = title, None
    last = first + len(names) - 1
    chart.add_data(Reference(page, min_col=2, min_row=first, max_row=last))
    chart.set_categories(Reference(page, min_col=1, min_row=first, max_row=last))
    series = chart.series[0]
    series.graphicalProperties = GraphicalProperties(solidFill=_INK["na"])
    series.dPt = [
        DataPoint(idx=number, invertIfNegative=False, spPr=GraphicalProperties(solidFill=_INK[TONES.get(name, "na")]))
        for number, name in enumerate(names)
    ]
    series.dLbls = DataLabelList(showVal=True, showSerName=False, showCatName=False, showLegendKey=False, showPercent=False)
    chart.x_axis.scaling.orientation = "maxMin"
    chart.x_axis.delete, chart.y_axis.delete = False, True
    chart.y_axis.majorGridlines, chart.y_axis.scaling.min = None, 0
    chart.width, chart.height = 20, max(_HEIGHT, 1.2 + 0.7 * len(names))
    return chart


def _last_runs(view: View, trend: Sheet) -> Any:
    """How many results fail and how many are unknown, run by run."""
    _ = view.language.gettext
    names = [column.name for column in trend.columns]
    chart = LineChart()
    chart.title, chart.style = _("The last runs"), 10
    for name, tone in (("failed", "fail"), ("unknown", "unknown")):
        chart.add_data(_cells(trend, names.index(name), 1), titles_from_data=True)
        series = chart.series[-1]
        series.graphicalProperties.line.solidFill, series.smooth = _INK[tone], False
        series.marker.symbol, series.marker.size = "circle", 6
        series.marker.graphicalProperties = GraphicalProperties(solidFill=_INK[tone])
    chart.set_categories(_cells(trend, names.index("run"), 2))
    chart.x_axis.delete = chart.y_axis.delete = False
    chart.y_axis.number_format, chart.y_axis.scaling.min = "#,##0", 0
    chart.legend = Legend()
    chart.legend.position = "b"
    chart.width, chart.height = 20, _HEIGHT
    return chart


def _cells(sheet: Sheet, column: int, first: int) -> Reference:
    """A column of a sheet from a line to its end."""
    letter = get_column_letter(column + 1)
    return Reference(range_string=f"{quote_sheetname(titled(sheet.title))}!${letter}${first}:${letter}${sheet.rows + 1}")
