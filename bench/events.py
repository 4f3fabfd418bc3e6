"""How long a single finding takes, from the event to the sealed pack: `python -m bench.events --size small`. One line an event.

The first event of a process also pays for what is imported then, as the first one of a function's container does. Each is told twice.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from reporter.aws_lambda import handler
from reporter.core.clock import iso
from reporter.sandbox.estate.cloud import Cloud
from reporter.sandbox.serve import Running, sandbox

MOST = 4
"""events of each service"""


def main(arguments: list[str] | None = None) -> int:
    """Serve an estate, hand its findings to the handler, print the seconds."""
    given = _parser().parse_args(arguments)
    with sandbox(size=given.size, seed=given.seed) as served, tempfile.TemporaryDirectory() as place:
        _environment(served, Path(place))
        for event in _events(served):
            for again in ("first", "again"):
                began = time.monotonic()
                done = handler(event, None)
                _say(f"{time.monotonic() - began:6.2f} s  {again}  {event['detail-type']:<18}  {done['outcome']:<14}  {_counted(done)}")
    return 0


def _environment(served: Running, place: Path) -> None:
    schedule = place / "schedule.yaml"
    schedule.write_text(served.schedule, encoding="utf-8")
    os.environ.update(served.environment)
    os.environ.update(REPORTER_SCHEDULE=str(schedule), REPORTER_OUT=str(place / "out"))


def _events(served: Running) -> Iterator[dict[str, Any]]:
    """Open findings of the estate's first account and region."""
    account, region, _ = next(iter(served.truth["instances"])).split("|")
    cloud = Cloud(served.aws_endpoint)
    guardduty = cloud.client("guardduty", account, region)
    (detector,) = guardduty.list_detectors()["DetectorIds"]
    identifiers = guardduty.list_findings(DetectorId=detector)["FindingIds"]
    named = [_small(one) for one in guardduty.get_findings(DetectorId=detector, FindingIds=identifiers)["Findings"]]
    packages = cloud.client("inspector2", account, region).list_findings()["findings"]
    macie = cloud.client("macie2", account, region)
    alerts = macie.get_findings(findingIds=macie.list_findings()["findingIds"])["findings"]
    for source, kind, findings in (
        ("aws.guardduty", "GuardDuty Finding", [one for one in named if "instanceDetails" in one["resource"]]),
        ("aws.inspector2", "Inspector2 Finding", packages),
        ("aws.macie", "Macie Finding", [one for one in alerts if not one["sample"] and not one["archived"]]),
    ):
        for number, finding in enumerate(findings[:MOST]):
            detail = {**finding, "updatedAt": _text(finding["updatedAt"])}
            yield {"id": str(number), "source": source, "detail-type": kind, "account": account, "region": region, "detail": detail}


def _small(value: Any) -> Any:
    """Names as EventBridge writes them: with a small letter first."""
    if isinstance(value, Mapping):
        return {f"{name[0].lower()}{name[1:]}": _small(item) for name, item in value.items()}
    return [_small(item) for item in value] if isinstance(value, list) else value


def _text(instant: Any) -> str:
    return instant if isinstance(instant, str) else iso(instant)


def _counted(done: Mapping[str, Any]) -> str:
    results = sum(done.get("results", {}).values())
    return f"{results} results, {sum(sum(states.values()) for states in done.get('actions', {}).values())} changes"


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="bench/events.py", description="How long a single finding takes.")
    parser.add_argument("--size", choices=("small", "demo"), default="small")
    parser.add_argument("--seed", type=int, default=1)
    return parser


if __name__ == "__main__":
    raise SystemExit(main())
