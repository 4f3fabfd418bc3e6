"""Browser and spreadsheet tests say why they are skipped on a machine without the program; under CI=true they may not be skipped."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable

import boto3
import pytest

from tests import wire
from tests.whole.table import pytest_terminal_summary

__all__ = ["pytest_terminal_summary"]

PROGRAMS = {"browser": ("chromium", "Debian's package chromium"), "spreadsheet": ("soffice", "Debian's package libreoffice-calc")}


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(wire, "wire")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Whole runs first: the longest files are then not what the tests end with."""
    items.sort(key=lambda item: "/whole/" not in str(item.path))


def pytest_runtest_setup(item: pytest.Item) -> None:
    boto3.DEFAULT_SESSION = None  # else it keeps the credentials of the test that first used it
    for mark, (name, package) in PROGRAMS.items():
        if item.get_closest_marker(mark):
            _path(name, package)


@pytest.fixture
def program() -> Callable[[str], str]:
    """Path of a program by its name, or the end of the test."""
    return lambda name: _path(name, f"Debian's package that has {name}")


def _path(name: str, package: str) -> str:
    found = shutil.which(name)
    if found is None:
        if os.environ.get("CI") == "true":
            pytest.fail(f"{name} is missing, and CI may not skip this test: install {package}")
        pytest.skip(f"{name} is not on this machine ({package})")
    return found
