"""The contents of a pack to be checked: a run folder, or a zip of one. Nothing is extracted, no link is followed, files are read in blocks.

What lies there and cannot be trusted (a link, a name that leads outside, a bomb) is a finding and is not read.
"""

from __future__ import annotations

import os
import re
import stat
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from reporter.evidence.flaws import Finding, Flaw, shown

SEAL_FILES = frozenset({"seal.txt", "seal.txt.sig", "seal.txt.sig.tsr", "sha256sums", "signing-key.pem"})
BLOCK = 1 << 20
_DAMAGED = (zipfile.BadZipFile, zlib.error, struct.error, OSError, EOFError, ValueError, NotImplementedError, OverflowError)
_DRIVE = re.compile(r"[A-Za-z]:")
_DESCRIPTOR = 24
"""bytes after a member that say again how large it is; programs other than ours write them"""
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


@dataclass(frozen=True)
class Limits:
    """The most that a zip of a pack may hold, in bytes after unpacking. `ratio`: of unpacked to packed, for members of 1 MB and more."""

    members: int = 1_000_000
    member: int = 8 << 30
    total: int = 64 << 30
    ratio: int = 500


LIMITS = Limits()


class Unreadable(Exception):
    """A file of the pack cannot be read to its end."""

    def __init__(self, finding: Finding) -> None:
        self.finding = finding
        super().__init__(str(finding))


def _nothing(name: str) -> IO[bytes]:
    raise FileNotFoundError(name)


@dataclass
class Contents:
    """Files by their relative POSIX names. `refused`: names that are there but are not read; each has a finding."""

    sizes: dict[str, int] = field(default_factory=dict)
    refused: set[str] = field(default_factory=set)
    findings: list[Finding] = field(default_factory=list)
    damaged: Flaw = Flaw.UNREADABLE
    open: Callable[[str], IO[bytes]] = field(default=_nothing)

    def blocks(self, name: str) -> Iterator[bytes]:
        """The file, block by block. Raises Unreadable."""
        try:
            with self.open(name) as stream:
                while block := stream.read(BLOCK):
                    yield block
        except _DAMAGED as error:
            raise Unreadable(Finding(self.damaged, name, f"it cannot be read: {_why(error)}")) from error

    def small(self, name: str) -> bytes:
        """A whole file that is known to be small by its size. Raises Unreadable."""
        return b"".join(self.blocks(name))

    def refuse(self, flaw: Flaw, name: str, what: str) -> None:
        self.refused.add(name)
        self.findings.append(Finding(flaw, name, what))


@contextmanager
def contents(path: Path, limits: Limits = LIMITS) -> Iterator[Contents]:
    """What lies in a run folder, or in a zip of one."""
    if path.is_dir():
        yield _folder(path)
        return
    try:
        archive = zipfile.ZipFile(path)
    except _DAMAGED as error:
        yield Contents(findings=[Finding(Flaw.ZIP_DAMAGED, path.name, f"this is no whole zip: {_why(error)}")])
        return
    with archive:
        yield _zip(archive, limits)


def _folder(path: Path) -> Contents:
    found = Contents(open=lambda name: (path / name).open("rb"))

    def unread(error: OSError) -> None:
        where = Path(error.filename).relative_to(path).as_posix()
        found.findings.append(Finding(Flaw.UNREADABLE, where, f"the folder cannot be read: {error.strerror}"))

    for place, folders, names in os.walk(path, onerror=unread):
        links = [name for name in folders if (Path(place) / name).is_symlink()]
        for name in [*names, *links]:
            file = Path(place) / name
            entry, relative = file.lstat(), file.relative_to(path).as_posix()
            if stat.S_ISREG(entry.st_mode):
                found.sizes[relative] = entry.st_size
            else:
                found.refuse(Flaw.LINK, relative, "a link" if stat.S_ISLNK(entry.st_mode) else "neither a file nor a folder")
    return found


def _zip(archive: zipfile.ZipFile, limits: Limits) -> Contents:
    found, infos, seen, total = Contents(damaged=Flaw.ZIP_DAMAGED), {}, set(), 0
    if len(archive.infolist()) > limits.members:
        found.findings.append(Finding(Flaw.ZIP_TOO_LARGE, "the zip", f"it has {len(archive.infolist())} members, a pack at most {limits.members}"))
        return found
    if hidden := _hidden(archive):
        found.findings.append(Finding(Flaw.ZIP_HIDDEN, "the zip", hidden))
    top = _top(archive)
    for info in archive.infolist():
        whole, total = info.orig_filename, total + info.file_size
        name = whole.removeprefix(top) if whole.startswith(top) else f"../{whole}"
        again = name.casefold() in seen
        seen.add(name.casefold())
        if problem := _astray(whole):
            found.refuse(Flaw.ZIP_NAME, whole, problem)
        elif info.is_dir() and not info.file_size:
            continue
        elif again:
            twice = Flaw.SECOND_SEAL if name.rpartition("/")[2].casefold() in SEAL_FILES else Flaw.ZIP_TWICE
            found.findings.append(Finding(twice, name, "the zip holds this name twice, or once in capitals and once in small letters"))
        elif not stat.S_ISREG(mode := info.external_attr >> 16) and stat.S_IFMT(mode):
            found.refuse(Flaw.LINK, name, "a link" if stat.S_ISLNK(mode) else "neither a file nor a folder")
        elif info.flag_bits & 1 or info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            found.refuse(Flaw.ZIP_FORM, name, "it is encrypted" if info.flag_bits & 1 else f"it is packed by method {info.compress_type}")
        elif problem := _large(info, total, limits):
            found.refuse(Flaw.ZIP_TOO_LARGE, name, problem)
        else:
            found.sizes[name], infos[name] = info.file_size, info
    found.open = lambda name: archive.open(infos[name])
    return found


def _hidden(archive: zipfile.ZipFile) -> str:
    """Where bytes lie that are of no member and not of the list at the end, or empty."""
    stream, at = archive.fp, 0
    for info in sorted(archive.infolist(), key=lambda info: info.header_offset):
        if not 0 <= info.header_offset - at <= (_DESCRIPTOR if at else 0) or stream is None:
            return f"{info.header_offset - at} bytes lie before {shown(info.orig_filename)}"
        stream.seek(info.header_offset + 26)
        name, extra = struct.unpack("<HH", stream.read(4).ljust(4, b"\0"))
        at = info.header_offset + 30 + name + extra + info.compress_size
    return f"{archive.start_dir - at} bytes lie before its list" if not 0 <= archive.start_dir - at <= _DESCRIPTOR else ""


def _top(archive: zipfile.ZipFile) -> str:
    """The one folder that a zip of a pack holds, with a slash; empty where the files lie at its top."""
    names = [name for name in archive.namelist() if name.count("/") == 1 and name.endswith("/SEAL.txt")]
    return "" if "SEAL.txt" in archive.namelist() or not names else names[0].removesuffix("SEAL.txt")


def _astray(name: str) -> str:
    if name.startswith("/") or _DRIVE.match(name):
        return "the name is absolute"
    if "\\" in name or _CONTROL.search(name):
        return "the name holds a backslash or a control character"
    return "the name leads out of the folder" if {"", ".", ".."} & set(name.removesuffix("/").split("/")) else ""


def _large(info: zipfile.ZipInfo, total: int, limits: Limits) -> str:
    if info.file_size > limits.member:
        return f"it would unpack to {info.file_size} bytes, a file of a pack has at most {limits.member}"
    if total > limits.total:
        return f"with it the zip would unpack to {total} bytes, a pack has at most {limits.total}"
    if info.file_size >= BLOCK and info.file_size > limits.ratio * info.compress_size:
        return f"it would unpack from {info.compress_size} to {info.file_size} bytes"
    return ""


def _why(error: BaseException) -> str:
    return str(getattr(error, "strerror", None) or error or type(error).__name__)
