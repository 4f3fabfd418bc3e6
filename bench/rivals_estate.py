"""An estate of so many instances in one account, in both sandbox servers, until it is terminated: `python -m bench.rivals_estate --instances 1000`.

The sandbox's own estate, with more hosts: drawn and poured as every other, with 50 security groups beside. Prints one line of JSON when it is ready:
the endpoint, the environment that points clients at it, the schedule that fits.
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
import threading
from dataclasses import replace

import requests

from reporter.core import clock
from reporter.sandbox.aws.server import AwsSandbox
from reporter.sandbox.estate import draw
from reporter.sandbox.estate.build import build, environment, schedule
from reporter.sandbox.estate.cloud import Cloud
from reporter.sandbox.wp.server import WpSandbox

NAME, SEED = "rivals", 1
FINDINGS_EACH = 5
"""Inspector findings of an instance"""
GROUPS = 50
UNLIMITED = 1_000_000
"""calls a minute at Workload Protection: its limit is no property of either contender"""


def main() -> int:
    """Serve."""
    parser = argparse.ArgumentParser(prog="python -m bench.rivals_estate", description="An estate of one account, served.")
    parser.add_argument("--instances", type=int, default=1_000)
    instances = parser.parse_args().instances
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    small = draw.SIZES["small"]
    draw.SIZES[NAME] = replace(small, accounts=1, hosts=instances // len(small.regions), inspector=instances * FINDINGS_EACH, off={})
    aws, wp = AwsSandbox(), WpSandbox()
    try:
        endpoint = aws.start()
        wp.start()
        build(endpoint, wp.url, NAME, SEED, clock.now())
        for region in small.regions:
            ec2 = Cloud(endpoint).client("ec2", draw.ACCOUNTS[0], region)
            for number in range(GROUPS):
                ec2.create_security_group(GroupName=f"group-{number:02d}", Description="made up")
        requests.post(wp.url.removesuffix("/api") + "/sandbox/settings", json={"rate_limit": UNLIMITED}, timeout=60).raise_for_status()
        fits = schedule(endpoint, wp.url, NAME).replace("key: env:WP_API_KEY}", f"key: env:WP_API_KEY, calls_per_minute: {UNLIMITED}}}")
        ready = {"endpoint": endpoint, "environment": environment(endpoint), "schedule": fits, "regions": small.regions}
        sys.stdout.write(json.dumps(ready) + "\n")
        sys.stdout.flush()
        stop.wait()
    finally:
        wp.stop()
        aws.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
