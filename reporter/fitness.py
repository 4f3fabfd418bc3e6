"""Whether another process is the same program: what one of them reads and packs, the other must have read and packed in the same bytes."""

from __future__ import annotations

import platform
from dataclasses import asdict, dataclass
from functools import cache

from reporter import __version__
from reporter.clients.aws_sessions import endpoint_override
from reporter.reports.tool import packages, source_sha256

DECIDING = ("boto3", "botocore", "cloudpickle", "dask", "distributed", "lxml", "msgspec", "pandas", "pyarrow")
"""packages that decide what is read, and the bytes in which it is kept and sent"""


@dataclass(frozen=True)
class Program:
    """What must be the same. `aws`: where AWS calls go instead of AWS."""

    version: str
    source: str
    python: str
    packages: tuple[str, ...]
    aws: str


class Unfit(Exception):
    """This is not the program that asked."""


def this_program() -> Program:
    """What this process is."""
    return Program(*_installed(), endpoint_override())


@cache
def _installed() -> tuple[str, str, str, tuple[str, ...]]:
    named = tuple(one for one in packages() if one.partition("==")[0] in DECIDING)
    return __version__, source_sha256(), ".".join(platform.python_version_tuple()[:2]), named


def differences(wanted: Program, other: Program) -> list[str]:
    """In what another program is another, in words."""
    mine, theirs = asdict(wanted), asdict(other)
    said = [
        f"{what} {theirs[name][:80] or 'AWS'} instead of {mine[name][:80] or 'AWS'}" for name, what in _WORDS.items() if mine[name] != theirs[name]
    ]
    here, there = (dict(one.split("==", 1) for one in packages) for packages in (wanted.packages, other.packages))
    odd = [name for name in sorted(here | there) if here.get(name) != there.get(name)]
    return said + [f"its {name} is {there.get(name, 'missing')} instead of {here.get(name, 'none')}" for name in odd]


def unfit(wanted: Program) -> None:
    """Raises Unfit where this process is not that program."""
    differ = differences(wanted, this_program())
    if differ:
        raise Unfit(f"this worker is not the program that asked it: {'; '.join(differ)}")


_WORDS = {
    "version": "its version is",
    "source": "the SHA-256 of its source is",
    "python": "its Python is",
    "aws": "its AWS calls go to",
}
