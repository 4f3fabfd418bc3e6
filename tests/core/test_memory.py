"""Free memory goes back to the system where its C library can do that."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from reporter.core import memory


def _held() -> int:
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(re.findall(r"VmRSS:\s+(\d+)", status)[0]) * 1024


def test_what_is_free_is_given_back() -> None:
    many = [np.ones(1000) for _ in range(20_000)]  # 160 MB in pieces, which the allocator keeps: the last one lies above them
    keep = many[-1]
    del many
    before = _held()
    memory.give_back()
    assert _held() < before - 100_000_000
    assert keep.sum() == 1000


def test_a_c_library_without_such_a_call_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ctypes.CDLL", lambda _: object())
    memory.give_back()
