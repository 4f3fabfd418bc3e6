"""Programs that some tests drive: where one is missing the test is skipped with that reason; in CI it fails, so that nothing is skipped for ever."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable

import pytest


@pytest.fixture
def program() -> Callable[[str], str]:
    """Path of a program by its name, or the end of the test."""

    def find(name: str) -> str:
        found = shutil.which(name)
        if found is None:
            stop = pytest.fail if os.environ.get("CI") == "true" else pytest.skip
            stop(f"{name} is not installed")
        return found

    return find
