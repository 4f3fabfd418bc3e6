"""An AWS that runs on this machine: moto, extended in place with what it lacks, behind a call log and a layer of faults.

`server.AwsSandbox` starts it in a thread; `python -m reporter.sandbox.aws --port N` in a process of its own.
"""

from __future__ import annotations

from reporter.sandbox.aws.server import AwsSandbox

__all__ = ["AwsSandbox"]
