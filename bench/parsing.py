"""What it costs to make values of large answers, without the network: `python -m bench.parsing`.

The same bytes (bench/answers.py) are read by the reporter's parsers, checks of wholeness included, and by botocore's; pages of Workload Protection by
json. CPU time, the least of several readings; contenders are processes of their own, in turns. Ours takes what the sources take, the others all.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from bench import answers
from bench.line import Line, best, contender, show

ROUNDS, READINGS = 3, 5


@dataclass(frozen=True)
class Kind:
    """A kind of answer: `at`: (service, operation), or (source of the reporter, key) of a page of Workload Protection; `count`: items of a page."""

    said: str
    at: tuple[str, str]
    made: Callable[[int], bytes]
    count: int
    bar: float


AWS = (
    Kind("EC2 DescribeInstances", ("ec2", "DescribeInstances"), answers.instances, 1000, 6),
    Kind("IAM GetAccountAuthorizationDetails, roles", ("iam", "GetAccountAuthorizationDetails"), answers.roles, 500, 6),
    Kind("GuardDuty GetFindings", ("guardduty", "GetFindings"), answers.guardduty, 50, 6),
    Kind("Macie GetFindings", ("macie2", "GetFindings"), answers.macie, 50, 6),
    Kind("Config GetComplianceDetailsByConfigRule", ("config", "GetComplianceDetailsByConfigRule"), answers.evaluations, 100, 6),
    Kind("Inspector ListCoverage", ("inspector2", "ListCoverage"), answers.coverage, 200, 6),
)
WP = (
    Kind("Workload Protection, IPS rules in pages of 5,000", ("wp_rules", "intrusionPreventionRules"), answers.rules, 5000, 1),
    Kind("Workload Protection, computers in pages of 1,000", ("wp_computers", "computers"), answers.computers, 1000, 1),
)


def main(arguments: list[str] | None = None) -> int:
    """Measure and print; or, asked by the program itself, be one contender. 1: a bar does not hold."""
    parser = argparse.ArgumentParser(prog="python -m bench.parsing", description="What it costs to make values of large answers.")
    parser.add_argument("--quick", action="store_true", help="one round")
    parser.add_argument("--json", action="store_true", help="a line of JSON each")
    parser.add_argument("--contender", choices=("ours", "theirs"), help=argparse.SUPPRESS)
    given = parser.parse_args(arguments)
    if given.contender:
        sys.stdout.write(json.dumps({kind.said: took(kind, ours=given.contender == "ours") for kind in (*AWS, *WP)}) + "\n")
        return 0
    return show(lines(1 if given.quick else ROUNDS), as_json=given.json)


def lines(rounds: int) -> Iterator[Line]:
    """The figures."""
    tries: dict[str, list[dict[str, Any]]] = {"ours": [], "theirs": []}
    for _ in range(rounds):
        for name, found in tries.items():
            found.append(contender("bench.parsing", "--contender", name))
    for kind in (*AWS, *WP):
        ours, theirs = best(tries["ours"], kind.said), best(tries["theirs"], kind.said)
        peer = "botocore's parser" if kind in AWS else "json"
        yield Line(f"{kind.said}; {peer}", ours, "us an item", kind.bar, "at least", theirs, theirs / ours)


def took(kind: Kind, *, ours: bool) -> float:
    """Microseconds of CPU an item. Raises RuntimeError where items are missing."""
    body = kind.made(kind.count)
    read = reading(kind, ours=ours)
    if items(read(body)) != kind.count:  # makes what is made once, too
        raise RuntimeError(f"{kind.said}: not {kind.count} items")
    least = float("inf")
    for _ in range(READINGS):
        began = time.process_time()
        read(body)
        least = min(least, time.process_time() - began)
    return least / kind.count * 1e6


def items(found: dict[str, Any]) -> int:
    """How many there are in the answer's only full list."""
    return max(len(value) for value in found.values() if isinstance(value, list))


def reading(kind: Kind, *, ours: bool) -> Callable[[bytes], dict[str, Any]]:
    """A parser of one kind of answer."""
    return of_aws(kind, ours=ours) if kind in AWS else of_wp(kind, ours=ours)


def of_aws(kind: Kind, *, ours: bool) -> Callable[[bytes], dict[str, Any]]:
    """By the reporter's parsers, or by botocore's."""
    from botocore.parsers import create_parser  # noqa: PLC0415  # each contender imports its own
    from botocore.session import Session  # noqa: PLC0415

    from reporter.clients.aws_parsing import StrictParserFactory  # noqa: PLC0415

    service, operation = kind.at
    model = Session().get_service_model(service)
    shape, protocol = model.operation_model(operation).output_shape, str(model.protocol)
    parser: Any = StrictParserFactory().create_parser(protocol) if ours else create_parser(protocol)
    context = {"service": service, "operation_name": operation}

    def read(body: bytes) -> dict[str, Any]:
        found: dict[str, Any] = parser.parse({"body": body, "headers": {}, "status_code": 200, "context": context}, shape)
        return found

    return read


def of_wp(kind: Kind, *, ours: bool) -> Callable[[bytes], dict[str, Any]]:
    """By the reporter's decoder of what its source takes, or by json."""
    if not ours:
        return json.loads
    from reporter.clients.wp_json import decoded, page_decoder  # noqa: PLC0415
    from reporter.sources import wp_computers, wp_rules  # noqa: PLC0415

    wanted = {"wp_rules": wp_rules.WANTED, "wp_computers": wp_computers.WANTED}
    source, key = kind.at
    decode = page_decoder(key, wanted[source])
    return lambda body: decoded(body, decode)


if __name__ == "__main__":
    sys.exit(main())
