"""Packs -> what is wrong with them. Several packs are one or more chains, checked by sequence.

A pack is checked against keys that the reader holds. The key that lies in the pack only shows that the pack is whole: who makes a pack again signs
it with a key of his own and puts that one in. What a chain cannot show by itself is that its newest packs were cut off: the seal's hash in the mail
of each run does.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby, pairwise
from pathlib import Path

from reporter.core.errors import ReporterError
from reporter.core.wording import counted
from reporter.evidence.contents import LIMITS, Limits, contents
from reporter.evidence.flaws import Finding, Flaw, shown
from reporter.evidence.inspected import Checked, inspect
from reporter.evidence.trust import Trust

_SHOWN = 10


def verify(paths: Sequence[Path], held: Trust, limits: Limits = LIMITS) -> list[Checked]:
    """Every pack by itself, then as chains: by chain and sequence, those without a seal first."""
    return chained((check(path, held, limits) for path in dict.fromkeys(paths)), keys_matter=not held.given)


def check(path: Path, held: Trust, limits: Limits = LIMITS) -> Checked:
    """One pack by itself."""
    with contents(path, limits) as found:
        return inspect(found, str(path), held)


def chained(packs: Iterable[Checked], *, keys_matter: bool) -> list[Checked]:
    """Packs with what is wrong between them, by chain and sequence. The same pack given twice (a folder and its zip) is one link.

    `keys_matter`: a change of keys is a flaw, because none of them is known to be trusted.
    """
    ordered = sorted(packs, key=lambda pack: (pack.seal.get("chain", ""), pack.sequence, pack.seal_sha256, pack.label))
    more: dict[str, list[Finding]] = {}
    for _, chain in groupby((pack for pack in ordered if pack.seal), key=lambda pack: pack.seal["chain"]):
        places = [list(same) for _, same in groupby(chain, key=lambda pack: pack.sequence)]
        for same in places:
            for pack in same:
                more[pack.label] = [
                    Finding(Flaw.SEQUENCE_TWICE, "SEAL.txt", f"{other.label} has number {pack.sequence} too, under another seal")
                    for other in same
                    if other.seal_sha256 != pack.seal_sha256
                ]
        for before, after in pairwise(places):
            for pack in after:
                more[pack.label] += _between(before, pack, keys_matter)
    return [pack.with_findings(more.get(pack.label, ())) for pack in ordered]


def _between(before: Sequence[Checked], pack: Checked, keys_matter: bool) -> Iterator[Finding]:
    """`before`: the packs of the nearest number below; more than one only where that is a flaw of theirs."""
    one = before[0]
    if pack.sequence > one.sequence + 1:
        gap = f"{one.sequence + 1}" if pack.sequence == one.sequence + 2 else f"{one.sequence + 1} to {pack.sequence - 1}"
        yield Finding(Flaw.SEQUENCE_GAP, "SEAL.txt", f"between {one.seal['run_id']} and this one there is no pack {gap}")
    if pack.seal["sha256-of-previous-SEAL"] not in {other.seal_sha256 for other in before}:
        yield Finding(Flaw.CHAIN_BROKEN, "SEAL.txt", f"the seal that it names before it is not that of {one.seal['run_id']}")
    if keys_matter and pack.key and one.key and pack.key != one.key:
        yield Finding(Flaw.CHAIN_KEY, "SEAL.txt.sig", f"it is signed by another key than {one.seal['run_id']}")


def told(packs: Sequence[Checked], held: Trust) -> list[str]:
    """Lines for people: each pack, what is wrong with it, whose key that was, and what to compare the newest with."""
    width = max(len(shown(pack.label)) for pack in packs)
    lines = [line for pack in packs for line in _told(pack, width)]
    if not held.given:
        lines += [
            "",
            "No --key or --fingerprint was given. Each pack was checked against the key that lies in it: that shows whether the pack is whole, and",
            "proves nothing about who signed it. Compare the fingerprint of that key (SHA-256 of signing-key.pem) with the one you hold:",
            *([f"    {key}" for key in sorted({pack.key for pack in packs if pack.key})] or ["    no signature holds"]),
        ]
    for head in {pack.seal["chain"]: pack for pack in packs if pack.seal}.values():
        lines += [
            "",
            f"Newest of these: {head.seal['run_id']}. SHA-256 of its seal:",
            f"    {head.seal_sha256}",
            "Compare it with the one in the mail of that run, and see that no mail tells of a later run: that newer packs were cut off does not",
            "show in the packs that are left.",
        ]
    return lines


def _told(pack: Checked, width: int) -> Iterator[str]:
    name, run = shown(pack.label).ljust(width), pack.seal.get("run_id", "no seal")
    if not pack.findings:
        yield f"OK    {name}  {run}  {counted(len(pack.sums), 'file', 'files')}"
        return
    yield f"FAIL  {name}  {run}  {' '.join(pack.words())}"
    for word in pack.words():
        said = [finding for finding in pack.findings if finding.flaw == word]
        yield from (f"      {finding}" for finding in said[:_SHOWN])
        if len(said) > _SHOWN:
            yield f"      {word}  and {len(said) - _SHOWN} more"


def require_whole(pack: Checked) -> None:
    """Raises ReporterError for a pack with a flaw."""
    if pack.findings:
        raise ReporterError(
            f"the pack does not hold: {' '.join(pack.words())}",
            where=pack.label,
            fix=f"reporter verify {pack.label} says what is wrong with it",
            meanwhile="nothing was drawn from it",
        )
