"""Browser and spreadsheet tests say why they are skipped on a machine without the program; under CI=true they may not be skipped."""

from __future__ import annotations

import os
import shutil

import pytest

from tests.whole.table import pytest_terminal_summary

__all__ = ["pytest_terminal_summary"]

PROGRAMS = {"browser": ("chromium", "Debian's package chromium"), "spreadsheet": ("soffice", "Debian's package libreoffice-calc")}


def pytest_runtest_setup(item: pytest.Item) -> None:
    for mark, (program, package) in PROGRAMS.items():
        if item.get_closest_marker(mark) and shutil.which(program) is None:
            if os.environ.get("CI") == "true":
                pytest.fail(f"{program} is missing, and CI may not skip this test: install {package}")
            pytest.skip(f"{program} is not on this machine ({package})")
