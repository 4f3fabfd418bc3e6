"""How many generated examples a test tries: few in each run of the tests, more with EXAMPLES=10 (times) before a release."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

TIMES = int(os.environ.get("EXAMPLES", "1"))


def examples(few: int, *suppressed: HealthCheck) -> settings:
    """Settings of a generated test; its examples have no time limit of their own."""
    return settings(max_examples=few * TIMES, deadline=None, suppress_health_check=suppressed)
