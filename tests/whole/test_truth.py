"""What a run says of an estate, row by row, against the builder's own ground truth, for an estate of each size.

The builder knows each state because it made the thing for that state; it imports nothing of the joins and checks.
"""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from bench.truth import PARTS, compare, rows
from reporter.core.language import codes, language
from reporter.sandbox.serve import sandbox
from tests.whole.conftest import NOW, Served
from tests.whole.sentences import left_english
from tests.whole.test_run import CLOCK, reporter

SIZES = [
    pytest.param("small", marks=pytest.mark.xdist_group("whole")),
    pytest.param("demo", marks=pytest.mark.xdist_group("demo")),
]


@pytest.fixture(scope="module", params=SIZES)
def estate(request: pytest.FixtureRequest) -> Iterator[Served]:
    """The session's small estate, or one of demo's size of its own."""
    if request.param == "small":
        yield request.getfixturevalue("small")
        return
    with sandbox(size=request.param, seed=1, now=NOW) as running:
        estate = Served(running.aws_endpoint, running.wp_url, dict(running.environment), running.schedule, dict(running.truth))
        estate.at_once()
        yield estate


@pytest.fixture(scope="module")
def folder(estate: Served, tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("truth")
    (place / "schedule.yaml").write_text(estate.schedule, encoding="utf-8")
    estate.forget()
    done = reporter(estate, "run", "--schedule", place / "schedule.yaml", "--out", place / "out", "--now", CLOCK)
    assert done.returncode == 0, done.stdout + done.stderr
    return place / "out" / "run-000001"


@pytest.mark.parametrize("part", PARTS)
def test_a_run_says_what_the_estate_was_built_for(folder: Path, estate: Served, part: str) -> None:
    compared = PARTS[part](folder, estate.truth)
    assert compared.differences == ()
    assert compared.rows > 0


@pytest.mark.parametrize(("file", "column"), [("instances", "protection"), ("virtual_patches", "state")])
def test_each_state_occurs_as_often_as_it_was_built(folder: Path, estate: Served, file: str, column: str) -> None:
    said = Counter(row[column] for row in rows(folder / f"{file}.csv"))
    assert said == estate.truth["counts"][file]


@pytest.mark.parametrize("code", [code for code in codes() if code != "en"])
def test_every_sentence_of_a_run_can_be_said_in_every_language(folder: Path, code: str) -> None:
    assert left_english(folder, language(code)) == []


SPOILT: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "protection of instances": ("instances", lambda about: about | {"protection": "spoilt"}),
    "computers, policies, clusters and owners of instances": ("instances", lambda about: about | {"policy": "spoilt"}),
    "intrusion prevention of instances": ("instances", lambda about: about | {"intrusion_prevention": "spoilt"}),
    "states of virtual patches": ("virtual_patches", lambda about: about | {"state": "spoilt"}),
    "severities of virtual patches": ("virtual_patches", lambda about: about | {"severity": "spoilt"}),
    "bucket access": ("bucket_access", lambda _: "spoilt"),
    "web entries": ("web_entries", lambda _: "spoilt"),
    "instances that findings name": ("findings", lambda about: about | {"instances": ["spoilt"]}),
    "sample and archived findings": ("findings", lambda about: about | {"sample": not about["sample"]}),
    "states of scopes": ("scopes", lambda _: "spoilt"),
    "services that are on": ("results", lambda _: "spoilt"),
}


@pytest.mark.parametrize("part", PARTS)
def test_a_comparison_tells_a_wrong_a_missing_and_an_unexpected_row(folder: Path, estate: Served, part: str) -> None:
    table, spoil = SPOILT[part]
    wrong: dict[str, Any] = copy.deepcopy(estate.truth)
    key = min(key for key in wrong[table] if "any" not in (wrong[table][key], *_values(wrong[table][key])))
    wrong[table][key] = spoil(wrong[table][key])
    assert [line.partition(": said")[0] for line in compare(folder, wrong)[part].differences] == [key]
    wrong[table]["nowhere"] = wrong[table].pop(key)
    found = compare(folder, wrong)[part].differences
    assert "nowhere: not in the report" in found
    assert f"{key}: not in the truth" in found or part in ("states of scopes", "services that are on")


def _values(about: Any) -> tuple[Any, ...]:
    return tuple(about.values()) if isinstance(about, dict) else ()
