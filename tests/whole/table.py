"""Prints the fault matrix as a table at the end of the tests' output, wherever its tests ran."""

from __future__ import annotations

import pytest

PROPERTY = "fault matrix"


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    cells: dict[str, dict[str, str]] = {}
    for outcome in ("passed", "failed"):
        for report in terminalreporter.stats.get(outcome, []):
            for name, value in getattr(report, "user_properties", ()):
                if name == PROPERTY and getattr(report, "when", "") == "call":
                    source, fault, said = value
                    cells.setdefault(source, {})[fault] = said if outcome == "passed" else "BROKEN"
    if not cells:
        return
    faults = sorted({fault for row in cells.values() for fault in row})
    width = {fault: max(len(fault), *(len(row.get(fault, "")) for row in cells.values())) for fault in faults}
    write = terminalreporter.write_line
    terminalreporter.section("fault matrix: state of the scope, UNKNOWN results in it")
    write("source".ljust(20) + "  ".join(fault.ljust(width[fault]) for fault in faults))
    for source in sorted(cells):
        write(source.ljust(20) + "  ".join(cells[source].get(fault, "-").ljust(width[fault]) for fault in faults))
