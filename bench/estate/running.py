"""The server in a process of its own for as long as a `with` block lasts, what a run against it needs, and what it was asked."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from bench.estate.size import Size


@dataclass(frozen=True)
class Running:
    """Where the server is, and what it holds."""

    url: str
    size: Size

    @property
    def environment(self) -> Mapping[str, str]:
        """What boto3, a WP client and the reporter need to find it. Other AWS_ variables should not be set."""
        return {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": "AKIAEXAMPLEEXAMPLE12",
            "AWS_SECRET_ACCESS_KEY": "none",
            "AWS_DEFAULT_REGION": "eu-central-1",
            "WP_API_KEY": "bench",
        }

    @property
    def wp_url(self) -> str:
        return f"{self.url}/api"

    def schedule(self, **more: Any) -> str:
        """schedule.yaml (JSON is YAML) of a run over the whole estate; `more`: further keys of it. The tenant's limit is out of the way."""
        roles = [{"id": account, "role": f"arn:aws:iam::{account}:role/reporter-read"} for account in self.size.ids]
        tenant = {"name": "main", "url": self.wp_url, "auth": "api-key", "key": "env:WP_API_KEY", "calls_per_minute": 10_000_000}
        return json.dumps(
            {
                "jobs": {"nightly": {"schedule": "cron(0 3 * * ? *)", "timezone": "Europe/Berlin"}},
                "aws": {"accounts": roles, "regions": list(self.size.places)},
                "workload_protection": [tenant],
                "owners": {"tag": "Owner", "addresses": {}, "default": "secops@example.com"},
                **more,
            },
            indent=1,
        )

    def write_schedule(self, path: Path, **more: Any) -> Path:
        path.write_text(self.schedule(**more), encoding="utf-8")
        return path

    def log(self, *, forget: bool = False) -> dict[str, Any]:
        """What the server was asked: bench.estate.calls.Asked.told()."""
        with urllib.request.urlopen(f"{self.url}/-/{'forget' if forget else 'log'}") as answer:  # noqa: S310  # our own
            told: dict[str, Any] = json.loads(answer.read())
            return told


@contextmanager
def serving(size: Size, latency: float = 0.0, now: float | None = None) -> Iterator[Running]:
    """`latency`: seconds a call; `now`: the instant its dates hang on (None: the present)."""
    command = [sys.executable, "-m", "bench.estate", "--latency", str(latency), *(["--now", str(now)] if now else [])]
    command += [word for name, value in asdict(size).items() for word in (f"--{name}", str(value))]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2]) as process:
        assert process.stdout is not None  # noqa: S101  # asked for above
        try:
            url = process.stdout.readline().strip()
            if not url:
                raise RuntimeError("the server did not start")
            yield Running(url, size)
        finally:
            process.terminate()
