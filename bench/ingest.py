"""What it costs to read Inspector's findings over HTTP: `python -m bench.ingest --findings 100000`.

A server of its own sends the same pages of 100 made-up findings, of the size and form of real ones, to each contender, which is a process of its
own. CPU time of the contender alone, the least of three, taken in turns.

- ours: the reporter's own reader; typed findings.
- kept: the same, with every page hashed, compressed and kept as evidence.
- boto3: its paginator, as everybody writes it; a list of dictionaries.
- bytes: the same signed requests with botocore's parts, pages not decoded but for their token.

Where each call takes long, many chains at once: findings in a second of wall time, the best of two.
"""

from __future__ import annotations

import argparse
import atexit
import json
import os
import re
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from bench.line import Line, best, contender, show

REGION, ACCOUNT, PAGE, ROUNDS = "eu-central-1", "111122223333", 100, 3
CHAINS, LATENCY, TRIES = 64, 0.15, 2
PAGES, PAGES_QUICK = 40, 20
"""of each chain, where there are many: its first page is a small part of it"""
_TOKEN = re.compile(rb'"nextToken":"([^"]*)"')


def main(arguments: list[str] | None = None) -> int:
    """Measure and print; or, asked by the program itself, serve or be one contender. 1: a bar does not hold."""
    given = _parser().parse_args(arguments)
    if given.serve:
        return _serve(given.findings, given.latency)
    if given.contender:
        _say(json.dumps(_measured(given.contender, given.url, given.chains)))
        return 0
    return show(lines(20_000, PAGES_QUICK) if given.quick else lines(given.findings, PAGES), as_json=given.json)


def lines(findings: int, pages: int) -> Iterator[Line]:
    """The figures; `pages`: of each of many chains at once."""
    names = ("ours", "kept", "boto3", "bytes")
    with serving(findings) as url:
        tries: dict[str, list[dict[str, Any]]] = {name: [] for name in names}
        for _ in range(ROUNDS):
            for name in names:
                tries[name].append(contender("bench.ingest", "--contender", name, "--url", url))
    took = {name: best(tries[name], "cpu") / findings * 1e6 for name in names}
    unit = "us a finding"
    yield Line("Inspector findings, typed; boto3's dictionaries", took["ours"], unit, 10, "at least", took["boto3"], took["boto3"] / took["ours"])
    yield Line("Inspector findings, typed; the same pages undecoded", took["ours"], unit, 1.5, "at most", took["bytes"], took["ours"] / took["bytes"])
    yield Line("Inspector findings, kept as evidence; not kept", took["kept"], unit, 1.3, "at most", took["ours"], took["kept"] / took["ours"])
    read = PAGE * pages * CHAINS
    with serving(PAGE * pages, LATENCY) as url:
        turns = [{name: _chains(name, url) for name in ("ours", "boto3")} for _ in range(TRIES)]
    per = {name: read / best([turn[name] for turn in turns], "wall") for name in ("ours", "boto3")}
    what = f"Inspector findings, {LATENCY * 1000:.0f} ms a call, {CHAINS} chains at once; boto3"
    yield Line(what, per["ours"], "a second", 8, "at least", per["boto3"], per["ours"] / per["boto3"])


def _chains(name: str, url: str) -> dict[str, Any]:
    return contender("bench.ingest", "--contender", name, "--url", url, "--chains", str(CHAINS))


def _measured(name: str, url: str, chains: int) -> dict[str, float]:
    """CPU and wall seconds of reading everything, so many times at once. Each chain read a first page before: clients are made, connections open."""
    os.environ.update(AWS_ACCESS_KEY_ID="AKIAEXAMPLEEXAMPLE12", AWS_SECRET_ACCESS_KEY="sandbox-secret", AWS_ENDPOINT_URL=url)  # noqa: S106  # no secret
    read = CONTENDERS[name](chains)
    read(first=True)
    together = threading.Barrier(chains)

    def opened(_: int) -> None:
        together.wait()
        read(first=True)

    with ThreadPoolExecutor(chains) as threads:
        list(threads.map(opened, range(chains)))
        cpu, wall = time.process_time(), time.perf_counter()
        counts = list(threads.map(lambda _: read(first=False), range(chains)))
    took = {"cpu": time.process_time() - cpu, "wall": time.perf_counter() - wall}
    if len(set(counts)) != 1:
        raise RuntimeError(f"chains read different numbers of findings: {sorted(set(counts))}")
    return {**took, "findings": counts[0]}


Read = Callable[..., int]


def _ours(chains: int, raw: Any = None) -> Read:
    from reporter.clients.aws import AwsClients  # noqa: PLC0415  # each contender imports its own

    clients = AwsClients(raw=raw, concurrency=chains)

    def read(*, first: bool) -> int:
        reader = clients.reader(ACCOUNT, REGION, "inspector")
        if first:
            return len(reader.call("inspector2", "list_findings", maxResults=PAGE)["findings"])
        return len(reader.items("inspector2", "list_findings", "findings", maxResults=PAGE))

    return read


def _kept(chains: int) -> Read:
    from reporter.evidence.raw import RawFolder  # noqa: PLC0415

    folder = tempfile.TemporaryDirectory()
    atexit.register(folder.cleanup)
    return _ours(chains, RawFolder(Path(folder.name)))


def _boto3(chains: int) -> Read:
    import boto3  # noqa: PLC0415
    from botocore.config import Config  # noqa: PLC0415

    client = boto3.client("inspector2", REGION, config=Config(max_pool_connections=chains))

    def read(*, first: bool) -> int:
        if first:
            return len(client.list_findings(maxResults=PAGE)["findings"])
        found: list[Any] = []
        for page in client.get_paginator("list_findings").paginate(PaginationConfig={"PageSize": PAGE}):
            found += page["findings"]
        return len(found)

    return read


def _bytes(chains: int) -> Read:
    from botocore.auth import SigV4Auth  # noqa: PLC0415
    from botocore.awsrequest import AWSRequest  # noqa: PLC0415
    from botocore.credentials import Credentials  # noqa: PLC0415
    from botocore.httpsession import URLLib3Session  # noqa: PLC0415

    at_once = [(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)]
    session = URLLib3Session(max_pool_connections=chains, socket_options=at_once)  # type: ignore[arg-type]  # the stubs say str; urllib3 takes what setsockopt takes
    signer = SigV4Auth(Credentials(os.environ["AWS_ACCESS_KEY_ID"], os.environ["AWS_SECRET_ACCESS_KEY"]), "inspector2", REGION)
    url = os.environ["AWS_ENDPOINT_URL"] + "/findings/list"

    def page(token: str) -> bytes:
        asked = {"maxResults": PAGE, **({"nextToken": token} if token else {})}
        request = AWSRequest("POST", url, headers={"Content-Type": "application/json"}, data=json.dumps(asked))
        signer.add_auth(request)
        return bytes(session.send(request.prepare()).content)

    def read(*, first: bool) -> int:
        token, count = "", 0
        while True:
            body = page(token)
            count += PAGE
            match = _TOKEN.search(body[-200:])
            if first or match is None:
                return count
            token = match[1].decode()

    return read


CONTENDERS: dict[str, Callable[[int], Read]] = {"ours": _ours, "kept": _kept, "boto3": _boto3, "bytes": _bytes}


@contextmanager
def serving(findings: int, latency: float = 0.0) -> Iterator[str]:
    """A server in a process of its own, until the block ends."""
    command = [sys.executable, "-m", "bench.ingest", "--serve", "--findings", str(findings), "--latency", str(latency)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None  # noqa: S101  # asked for above
        try:
            yield process.stdout.readline().strip()
        finally:
            process.terminate()


def _serve(findings: int, latency: float) -> int:
    """Answer every request with the page that its token asks for; print the address first. Until it is terminated."""
    pages = [_page(number, findings) for number in range((findings + PAGE - 1) // PAGE)]

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True
        wbufsize = 1 << 20

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            match = _TOKEN.search(body.replace(b'": "', b'":"'))
            page = pages[int(match[1]) if match else 0]
            time.sleep(latency)
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(page)))
            self.end_headers()
            self.wfile.write(page)
            self.wfile.flush()

        def log_message(self, *_: Any) -> None:
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    _say(f"http://127.0.0.1:{server.server_address[1]}")
    server.serve_forever()
    return 0


def _page(number: int, findings: int) -> bytes:
    first = number * PAGE
    page: dict[str, Any] = {"findings": [_finding(one) for one in range(first, min(first + PAGE, findings))]}
    if first + PAGE < findings:
        page["nextToken"] = str(number + 1)
    return json.dumps(page, separators=(",", ":")).encode()


def _finding(number: int) -> dict[str, Any]:
    """A package finding of an instance as Inspector sends it, about 2.7 KB. https://docs.aws.amazon.com/inspector/v2/APIReference/API_Finding.html"""
    instance, cve = f"i-{number // 50:017x}", f"CVE-20{number % 20 + 10}-{number % 9000 + 1000}"
    seen = 1_760_000_000.123 + number
    return {
        "awsAccountId": ACCOUNT,
        "description": f"{cve}: a made-up flaw in a library that handles text from elsewhere lets whoever sends it read what it should not. " * 4,
        "epss": {"score": 0.00042},
        "exploitAvailable": "YES" if number % 7 == 0 else "NO",
        "exploitabilityDetails": {"lastKnownExploitAt": seen},
        "findingArn": f"arn:aws:inspector2:{REGION}:{ACCOUNT}:finding/{number:032x}",
        "firstObservedAt": seen,
        "fixAvailable": "YES",
        "inspectorScore": 7.8,
        "inspectorScoreDetails": {
            "adjustedCvss": {
                "adjustments": [],
                "cvssSource": "NVD",
                "score": 7.8,
                "scoreSource": "NVD",
                "scoringVector": "CVSS:3.1/AV:L/AC:L/PR:L/UI:N/S:U/C:H/I:H/A:H",
                "version": "3.1",
            }
        },
        "lastObservedAt": seen + 86_400,
        "packageVulnerabilityDetails": {
            "cvss": [
                {"baseScore": 7.8, "scoringVector": "CVSS:3.1/AV:L/AC:L/PR:L/UI:N/S:U/C:H/I:H/A:H", "source": "NVD", "version": "3.1"},
                {"baseScore": 4.6, "scoringVector": "AV:L/AC:L/Au:N/C:P/I:P/A:P", "source": "NVD", "version": "2.0"},
            ],
            "referenceUrls": [f"https://nvd.example.com/vuln/detail/{cve}", f"https://errata.example.com/{cve}"],
            "relatedVulnerabilities": [],
            "source": "NVD",
            "sourceUrl": f"https://nvd.example.com/vuln/detail/{cve}",
            "vendorCreatedAt": seen,
            "vendorSeverity": "HIGH",
            "vendorUpdatedAt": seen,
            "vulnerabilityId": cve,
            "vulnerablePackages": [
                {
                    "arch": "X86_64",
                    "epoch": 0,
                    "fixedInVersion": "0:1.2.4-2.amzn2",
                    "name": f"library-{number % 400}",
                    "packageManager": "OS",
                    "release": "1.amzn2",
                    "remediation": f"yum update library-{number % 400}",
                    "version": "1.2.3",
                }
            ],
        },
        "remediation": {"recommendation": {"text": "None Provided"}},
        "resources": [
            {
                "details": {
                    "awsEc2Instance": {
                        "iamInstanceProfileArn": f"arn:aws:iam::{ACCOUNT}:instance-profile/web",
                        "imageId": "ami-0123456789abcdef0",
                        "ipV4Addresses": ["10.0.0.12"],
                        "ipV6Addresses": [],
                        "keyName": "web",
                        "launchedAt": seen,
                        "platform": "AMAZON_LINUX_2",
                        "subnetId": "subnet-0123456789abcdef0",
                        "type": "m5.large",
                        "vpcId": "vpc-0123456789abcdef0",
                    }
                },
                "id": instance,
                "partition": "aws",
                "region": REGION,
                "tags": {"Name": f"web-{number // 50}", "Owner": "payments"},
                "type": "AWS_EC2_INSTANCE",
            }
        ],
        "severity": "HIGH",
        "status": "ACTIVE",
        "title": f"{cve} - library-{number % 400}",
        "type": "PACKAGE_VULNERABILITY",
        "updatedAt": seen + 86_400,
    }


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench.ingest", description="What it costs to read Inspector's findings over HTTP.")
    parser.add_argument("--findings", type=int, default=100_000)
    parser.add_argument("--quick", action="store_true", help="20,000 findings")
    parser.add_argument("--json", action="store_true", help="a line of JSON each")
    parser.add_argument("--contender", choices=CONTENDERS, help=argparse.SUPPRESS)
    parser.add_argument("--url", default="", help=argparse.SUPPRESS)
    parser.add_argument("--chains", type=int, default=1, help=argparse.SUPPRESS)
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--latency", type=float, default=0.0, help=argparse.SUPPRESS)
    return parser


if __name__ == "__main__":
    sys.exit(main())
