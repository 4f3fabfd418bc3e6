"""Classic load balancers need nothing; the health of targets is seeded under this service's name."""

from __future__ import annotations

from reporter.sandbox.aws.elbv2 import seed_target_health
from reporter.sandbox.aws.extend import Extension

EXTENSION = Extension(service="elb", kinds={"target_health": seed_target_health})
