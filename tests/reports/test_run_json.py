from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

from reporter.reports.run_json import run_json
from tests.reports.views import NOW, view


def test_a_run_says_what_it_was_and_what_came_of_it(tmp_path: Path) -> None:
    (tmp_path / "raw" / "ec2").mkdir(parents=True)
    for name in ("raw/ec2/b", "raw/ec2/a", "results.csv", "instances.csv"):
        (tmp_path / name).write_text("x")
    seen = view(excluded=3, held_back=("state: not sent",))
    said = run_json(seen, tmp_path, end=NOW + timedelta(minutes=5), more={"sequence": 1, "job": "nightly"})
    assert json.loads(json.dumps(said)) == said
    assert {name: said[name] for name in ("id", "kind", "chain", "start", "end", "endpoint_override", "sequence", "job")} == {
        "id": "main-000001",
        "kind": "scheduled",
        "chain": "main",
        "start": "2026-11-24T03:00:00Z",
        "end": "2026-11-24T03:05:00Z",
        "endpoint_override": None,
        "sequence": 1,
        "job": "nightly",
    }
    assert (said["files"], said["raw_files"]) == (["instances.csv", "results.csv"], 2)
    assert said["held_back"] == ["state: not sent"]
    assert set(said["versions"]) == {"reporter", "python", "pandas"}
    counts = said["counts"]
    assert (counts["results"]["FAIL"], counts["scopes"]["denied"], counts["instances"]["unmanaged"]) == (1, 1, 1)
    assert (counts["virtual_patches"]["available"], counts["bucket_access"]["allowed"], counts["web_entries"]["missing_acl"]) == (1, 1, 1)
    assert (counts["findings"]["guardduty"], counts["changes"], counts["excluded_instances"], counts["actions"]) == (1, 0, 3, {})


def test_an_override_is_stamped(tmp_path: Path) -> None:
    said = run_json(view(endpoint_override="http://127.0.0.1:5000"), tmp_path, end=NOW, more={})
    assert said["endpoint_override"] == "http://127.0.0.1:5000"
