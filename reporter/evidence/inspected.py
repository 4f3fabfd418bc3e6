"""One pack -> what is wrong with it: seal, signature, list, every file, the link to the run before."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from reporter.evidence import timestamp
from reporter.evidence.contents import SEAL_FILES, Contents, Unreadable
from reporter.evidence.flaws import Finding, Flaw
from reporter.evidence.folder import PREVIOUS_SEAL
from reporter.evidence.key import fingerprint, public, signed
from reporter.evidence.seal import LARGEST_SEAL, TIMESTAMP, UNLISTED
from reporter.evidence.trust import Trust

_FORM = "workload-compliance-reporter seal 1"
_FIELDS = (
    "format",
    "chain",
    "sequence",
    "run_id",
    "files",
    "sha256-of-SHA256SUMS",
    "previous-run_id",
    "sha256-of-previous-SEAL",
    "signing-key-sha256",
)
_HASH = re.compile(r"[0-9a-f]{64}")
_NUMBER = re.compile(r"[1-9][0-9]{0,17}")
_NAME = re.compile(r"[A-Za-z0-9_.-]{1,80}")
_LINE = re.compile(rb"([0-9a-f]{64})  ([!-\[\]-~][ -\[\]-~]*)")
_RANGE = re.compile(r"([0-9]{1,18})(?:-([0-9]{1,18}))?")
_LARGEST_LIST, _LARGEST_KEY, _LARGEST_SIGNATURE, _LARGEST_STAMP = 512 << 20, 16 << 10, 1 << 10, 256 << 10


@dataclass(frozen=True)
class Checked:
    """One pack. `seal`: its lines, empty where there is none that can be read; `key`: fingerprint of the key whose signature holds, or empty;
    `stamped`: when a time-stamping authority says that it saw the signature (the authority's own signature is not checked)."""

    label: str
    seal: Mapping[str, str] = field(default_factory=dict)
    seal_sha256: str = ""
    key: str = ""
    findings: tuple[Finding, ...] = ()
    sums: Mapping[str, str] = field(default_factory=dict, repr=False)
    stamped: datetime | None = None

    @property
    def sequence(self) -> int:
        return int(self.seal["sequence"]) if self.seal else 0

    @property
    def unsealed(self) -> tuple[range, ...]:
        """Numbers that its seal says were claimed, and not sealed when it was."""
        return unsealed(self.seal)

    def words(self) -> list[str]:
        """Its flaws' words, each once."""
        return list(dict.fromkeys(finding.flaw.value for finding in self.findings))

    def with_findings(self, more: Iterable[Finding]) -> Checked:
        return replace(self, findings=(*self.findings, *more))


def inspect(found: Contents, label: str, held: Trust) -> Checked:
    """Seal, signature, list, files and the link to the run before."""
    pack = _Pack(found, held, list(found.findings))
    pack.look()
    return Checked(label, pack.seal, pack.seal_sha256, pack.key, tuple(pack.findings), pack.sums, pack.stamped)


@dataclass
class _Pack:
    """A pack while it is looked at."""

    contents: Contents
    held: Trust
    findings: list[Finding]
    seal: dict[str, str] = field(default_factory=dict)
    seal_sha256: str = ""
    key: str = ""
    sums: dict[str, str] = field(default_factory=dict)
    stamped: datetime | None = None

    def look(self) -> None:
        text = self._small("SEAL.txt", LARGEST_SEAL - 1, Flaw.SEAL_MISSING, Flaw.SEAL_TOO_LARGE)
        if text is not None:
            self.seal_sha256 = _sha256(text)
            self.seal = self._seal(_unix(text))
            self._signature(text)
        self._stamp()
        if self._list():
            self._files()
        if self.seal:
            self._link()

    def _say(self, flaw: Flaw, where: str, what: str) -> None:
        self.findings.append(Finding(flaw, where, what))

    def _small(self, name: str, largest: int, missing: Flaw, too_large: Flaw) -> bytes | None:
        size = self.contents.sizes.get(name)
        if size is None:
            self._say(missing, name, "it is not there" if name not in self.contents.refused else "it is there, but no plain file")
            return None
        if size > largest:
            self._say(too_large, name, f"it has {size} bytes, at most {largest} are read")
            return None
        try:
            return self.contents.small(name)
        except Unreadable as error:
            self.findings.append(error.finding)
            return None

    def _seal(self, text: bytes) -> dict[str, str]:
        said = parse(text)
        if problem := _odd(said):
            self._say(Flaw.SEAL_FORM, "SEAL.txt", problem)
            return {}
        return said

    def _signature(self, text: bytes) -> None:
        pem = self._small("signing-key.pem", _LARGEST_KEY, Flaw.KEY_MISSING, Flaw.KEY_FORM)
        own = public(pem) if pem is not None else None
        if pem is not None and own is None:
            self._say(Flaw.KEY_FORM, "signing-key.pem", "this is no public key that a pack can be signed with")
        elif pem is not None and self.seal and _sha256(pem) != self.seal["signing-key-sha256"]:
            self._say(Flaw.KEY_CHANGED, "signing-key.pem", "it is not the key file whose SHA-256 the seal names")
        signature = self._small("SEAL.txt.sig", _LARGEST_SIGNATURE, Flaw.SIGNATURE_MISSING, Flaw.SIGNATURE)
        if signature is None:
            return
        ours = [own] if own is not None and (not self.held.given or fingerprint(own) in self.held.fingerprints) else []
        for key in (*self.held.keys, *ours):
            for said, flaw in ((text, None), (_unix(text), Flaw.SEAL_LINE_ENDS)):
                if signed(key, signature, said):
                    self.key = fingerprint(key)
                    if flaw:
                        self._say(flaw, "SEAL.txt", "its line ends are not those that were signed")
                    return
        if own is not None and signed(own, signature, text):
            self._say(
                Flaw.OTHER_KEY, "SEAL.txt.sig", f"the seal is signed by the key {fingerprint(own)} that lies in the pack, which is none of yours"
            )
        elif own is not None or self.held.keys:
            self._say(Flaw.SIGNATURE, "SEAL.txt.sig", "this is no signature over SEAL.txt by the key")

    def _stamp(self) -> None:
        """The time stamp, where there is one, is over this signature."""
        if TIMESTAMP not in self.contents.sizes or "SEAL.txt.sig" not in self.contents.sizes:
            return
        answer = self._small(TIMESTAMP, _LARGEST_STAMP, Flaw.TIMESTAMP, Flaw.TIMESTAMP)
        if answer is None:
            return
        try:
            stamp = timestamp.read(answer)
            signature = self.contents.small("SEAL.txt.sig")
        except ValueError as error:
            self._say(Flaw.TIMESTAMP, TIMESTAMP, str(error))
        except Unreadable:
            return  # said with the signature
        else:
            if stamp.imprint == hashlib.sha256(signature).digest():
                self.stamped = stamp.at
            else:
                self._say(Flaw.TIMESTAMP, TIMESTAMP, "it is not over SEAL.txt.sig")

    def _list(self) -> bool:
        text = self._small("SHA256SUMS", _LARGEST_LIST, Flaw.LIST_MISSING, Flaw.LIST_TOO_LARGE)
        if text is None:
            return False
        sealed = self.seal.get("sha256-of-SHA256SUMS", "")
        if self.seal and _sha256(text) != sealed:
            if _sha256(_unix(text)) == sealed:
                self._say(Flaw.LIST_LINE_ENDS, "SHA256SUMS", "its line ends are not those that were sealed")
            else:
                self._say(Flaw.LIST_CHANGED, "SHA256SUMS", "its SHA-256 is not the one in SEAL.txt")
        lines = _unix(text).split(b"\n")
        if lines.pop():
            self._say(Flaw.LIST_FORM, "SHA256SUMS", "its last line has no end")
        for number, line in enumerate(lines, 1):
            self._line(number, line)
        if self.seal and len(self.sums) != int(self.seal["files"]):
            self._say(Flaw.LIST_COUNT, "SHA256SUMS", f"it lists {len(self.sums)} files, the seal says {self.seal['files']}")
        return True

    def _line(self, number: int, line: bytes) -> None:
        where, match = f"SHA256SUMS, line {number}", _LINE.fullmatch(line)
        if match is None:
            self._say(Flaw.LIST_FORM, where, "this is not a SHA-256, two spaces and a plain name, as sha256sum writes them")
            return
        digest, name = match[1].decode(), match[2].decode()
        if name.startswith("/") or {"", ".", ".."} & set(name.split("/")):
            self._say(Flaw.LIST_OUTSIDE, where, f"it names {name}, outside the pack")
        elif name in self.sums or name in UNLISTED:
            self._say(
                Flaw.LIST_FORM, where, f"it names {name}, which {'stands in the list already' if name in self.sums else 'is of the seal itself'}"
            )
        else:
            self.sums[name] = digest

    def _files(self) -> None:
        there = {*self.contents.sizes, *self.contents.refused}
        for name in sorted(self.sums.keys() - there):
            self._say(Flaw.FILE_MISSING, name, "it is in the list but not in the pack")
        for name in sorted(there - self.sums.keys() - UNLISTED):
            second = name.rpartition("/")[2].casefold() in SEAL_FILES
            self._say(Flaw.SECOND_SEAL if second else Flaw.FILE_NOT_LISTED, name, "it is in the pack but not in the list")
        by_digest = {digest: name for name, digest in self.sums.items()}
        for name in sorted(self.sums.keys() & self.contents.sizes.keys()):
            self._file(name, self.sums[name], by_digest)

    def _file(self, name: str, listed: str, by_digest: Mapping[str, str]) -> None:
        try:
            digest = hashlib.sha256()
            for block in self.contents.blocks(name):
                digest.update(block)
            found = digest.hexdigest()
            if found == listed:
                return
            if found in by_digest:
                self._say(Flaw.FILE_SWAPPED, name, f"it is what the list calls {by_digest[found]}")
            elif listed in _other_line_ends(self.contents.blocks(name)):
                self._say(Flaw.FILE_LINE_ENDS, name, "its line ends are not those that were sealed")
            else:
                self._say(Flaw.FILE_CHANGED, name, "its SHA-256 is not the one in the list")
        except Unreadable as error:
            self.findings.append(error.finding)

    def _link(self) -> None:
        """previous-SEAL.txt is the seal that this one names."""
        named, run, size = self.seal["sha256-of-previous-SEAL"], self.seal["previous-run_id"], self.contents.sizes.get(PREVIOUS_SEAL)
        if named == "none":
            if size is not None:
                self._say(Flaw.PREVIOUS_SEAL, PREVIOUS_SEAL, "it is here, but the seal names none before it")
            elif not _all_in(range(1, int(self.seal["sequence"])), unsealed(self.seal)):
                self._say(Flaw.CHAIN_BROKEN, "SEAL.txt", f"it is number {self.seal['sequence']}, and names no seal before it")
            return
        if size is None or size >= LARGEST_SEAL:
            self._say(Flaw.PREVIOUS_SEAL, PREVIOUS_SEAL, f"the seal of {run} is named, but its copy is not here")
            return
        try:
            text = self.contents.small(PREVIOUS_SEAL)
        except Unreadable:
            return  # said with the files
        before = parse(text)
        if _sha256(text) != named:
            self._say(Flaw.PREVIOUS_SEAL, PREVIOUS_SEAL, f"it is not the seal of {run} that SEAL.txt names")
        elif before.get("run_id") != run:
            self._say(Flaw.PREVIOUS_SEAL, PREVIOUS_SEAL, f"it is the seal of {before.get('run_id', 'no run')}, SEAL.txt names {run}")


def parse(text: bytes) -> dict[str, str]:
    """The lines of a seal; empty for what is none."""
    try:
        lines = [line.partition(": ") for line in text.decode("ascii").removesuffix("\n").split("\n")]
    except UnicodeDecodeError:
        return {}
    said = {name: value for name, separator, value in lines if separator}
    return said if len(said) == len(lines) else {}


def unsealed(said: Mapping[str, str]) -> tuple[range, ...]:
    """`5, 7-9` of a seal; what is none of these is left out."""
    found = (_RANGE.fullmatch(part) for part in said.get("unsealed-numbers", "").split(", "))
    return tuple(range(int(match[1]), int(match[2] or match[1]) + 1) for match in found if match)


def _all_in(numbers: range, known: Iterable[range]) -> bool:
    """Whether every number is in one of the ranges."""
    at = numbers.start
    for one in sorted(known, key=lambda one: one.start):
        if one.start <= at < one.stop:
            at = one.stop
    return at >= numbers.stop


def _odd(said: Mapping[str, str]) -> str:
    """Why this cannot be a seal, or empty."""
    if not said:
        return "it is not made of lines `name: value`, each name once"
    if missing := [name for name in _FIELDS if name not in said]:
        return f"it does not say {', '.join(missing)}"
    if said["format"] != _FORM:
        return "it is in a form that this version does not know"
    if hidden := [name for name, value in said.items() if not (name + value).isprintable()]:
        return f"{hidden[0]!a} holds signs that do not show"
    names = [name for name in ("chain", "run_id", "previous-run_id") if not _NAME.fullmatch(said[name])]
    numbers = [name for name in ("sequence", "files") if not _NUMBER.fullmatch(said[name])]
    digests = [name for name in ("sha256-of-SHA256SUMS", "signing-key-sha256") if not _HASH.fullmatch(said[name])]
    before = said["sha256-of-previous-SEAL"]
    if before != "none" and not _HASH.fullmatch(before):
        digests.append("sha256-of-previous-SEAL")
    odd = [*names, *numbers, *digests]
    return f"{', '.join(odd)} cannot be that" if odd else ""


def _other_line_ends(blocks: Iterator[bytes]) -> set[str]:
    """SHA-256 of a file with each of the two line ends."""
    unix, dos, held = hashlib.sha256(), hashlib.sha256(), b""
    for block in blocks:
        text = held + block
        held = b"\r" if text.endswith(b"\r") else b""
        text = _unix(text[: len(text) - len(held)])
        unix.update(text)
        dos.update(text.replace(b"\n", b"\r\n"))
    for digest in (unix, dos):
        digest.update(held)
    return {unix.hexdigest(), dos.hexdigest()}


def _unix(text: bytes) -> bytes:
    return text.replace(b"\r\n", b"\n")


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
