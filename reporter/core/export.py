"""Where a service exports to what is too much to list: a bucket of one region, the key that the service encrypts with, and where in the bucket."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ExportTo:
    """`prefix`: without a slash at either end; `patience`: seconds for which a report may take."""

    bucket: str
    key_arn: str
    prefix: str
    patience: float
