"""tool.json: which program this was, exactly: version, commit where it is known, digest of its source, interpreter, every package beside it."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import re
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

import reporter
from reporter.reports.catalogue import sha256 as catalogue_sha256
from reporter.reports.view import Report, View

NAME = "workload-compliance-reporter"
_PACKAGE = Path(reporter.__file__).parent
_COMMIT = re.compile(r"[0-9a-f]{40}")
_SHIPPED = (".py", ".j2", ".po", ".css", ".js", ".csv", ".json")


def tool(view: View) -> dict[str, Any]:
    """The program as JSON. It tells nothing of the machine but what runs programs there."""
    listed = packages()
    return {
        "name": NAME,
        "version": view.version,
        "commit": commit(),
        "wheel_sha256": archive_sha256(origin()),
        "source_sha256": source_sha256(),
        "catalogue_sha256": catalogue_sha256(view),
        "python": platform.python_version(),
        "system": platform.system(),
        "environment": os.environ.get("AWS_EXECUTION_ENV"),
        "function": os.environ.get("AWS_LAMBDA_FUNCTION_NAME"),
        "packages": listed,
        "packages_sha256": hashlib.sha256("\n".join(listed).encode()).hexdigest(),
    }


@cache
def packages() -> list[str]:
    """Installed packages as `pip freeze` names them, sorted, without this one."""
    found = {(dist.metadata["Name"] or "").lower().replace("_", "-"): dist.version for dist in metadata.distributions()}
    return [f"{name}=={version}" for name, version in sorted(found.items()) if name and name != NAME]


@cache
def source_sha256() -> str:
    """digest_of this package."""
    return digest_of(_PACKAGE)


def digest_of(package: Path) -> str:
    """SHA-256 of the lines "SHA-256  path" of every file below a folder that decides what the program does, sorted by path."""
    files = sorted(path.relative_to(package).as_posix() for path in package.rglob("*") if path.suffix in _SHIPPED and path.is_file())
    lines = (f"{hashlib.sha256((package / name).read_bytes()).hexdigest()}  {name}\n" for name in files)
    return hashlib.sha256("".join(lines).encode()).hexdigest()


@cache
def origin() -> str:
    """From where it was installed, as its installer wrote it down (PEP 610), as JSON; {} where nobody did."""
    try:
        return metadata.distribution(NAME).read_text("direct_url.json") or "{}"
    except metadata.PackageNotFoundError:
        return "{}"


def archive_sha256(installed: str) -> str | None:
    """SHA-256 of the wheel that it was installed from; None where it came from an index or a checkout: then `source_sha256` stands for it."""
    try:
        return str(json.loads(installed)["archive_info"]["hashes"]["sha256"])
    except (ValueError, KeyError, TypeError):
        return None


@cache
def commit() -> str | None:
    """The commit that it was installed from, or that its checkout is at; None where that is not known. A checkout may hold changes beside it."""
    try:
        return str(json.loads(origin())["vcs_info"]["commit_id"])
    except (ValueError, KeyError, TypeError):
        return checked_out(_PACKAGE.parent / ".git")


def checked_out(git: Path) -> str | None:
    """The commit that a .git folder is at; None where it does not say."""
    try:
        head = (git / "HEAD").read_text(encoding="ascii").strip()
        named = head.removeprefix("ref: ")
        text = (git / named).read_text(encoding="ascii").strip() if named != head else head
    except (OSError, UnicodeDecodeError):
        return None
    return text if _COMMIT.fullmatch(text) else None


def write(folder: Path, view: View) -> None:
    """tool.json."""
    text = json.dumps(tool(view), indent=2, ensure_ascii=False) + "\n"
    (folder / "tool.json").write_text(text, encoding="utf-8", newline="\n")


REPORT = Report("tool", "which program this was", write)
