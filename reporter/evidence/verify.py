"""Packs -> what is wrong with them. Several packs are one or more chains, checked by sequence.

A pack is checked against keys that the reader holds. The key that lies in the pack only shows that the pack is whole: who makes a pack again signs
it with a key of his own and puts that one in. What a chain cannot show by itself is that its newest packs were cut off: the seal's hash in the mail
of each run does.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby, pairwise
from pathlib import Path

from reporter.core.clock import iso
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

    Each pack follows the one whose seal it names: mostly that of the number below, but a run that took long is sealed after one of a higher number.
    `keys_matter`: a change of keys is a flaw, because none of them is known to be trusted.
    """
    ordered = sorted(packs, key=lambda pack: (pack.seal.get("chain", ""), pack.sequence, pack.seal_sha256, pack.label))
    more: dict[str, list[Finding]] = {pack.label: [] for pack in ordered}
    for _, chain in groupby((pack for pack in ordered if pack.seal), key=lambda pack: pack.seal["chain"]):
        for label, finding in _between(list(chain), keys_matter):
            more[label].append(finding)
    return [pack.with_findings(more[pack.label]) for pack in ordered]


def _between(chain: Sequence[Checked], keys_matter: bool) -> Iterator[tuple[str, Finding]]:
    """What is wrong between the packs of one chain, in the order of their numbers."""
    places = [list(same) for _, same in groupby(chain, key=lambda pack: pack.sequence)]
    for same in places:
        for pack in same:
            for other in same:
                if other.seal_sha256 != pack.seal_sha256:
                    what = f"{other.label} has number {pack.sequence} too, under another seal"
                    yield pack.label, Finding(Flaw.SEQUENCE_TWICE, "SEAL.txt", what)
    explained = [numbers for pack in chain for numbers in pack.unsealed]
    for before, after in pairwise(places):
        if gap := _gap(range(before[0].sequence + 1, after[0].sequence), explained):
            for pack in after:
                what = f"between {before[0].seal['run_id']} and this one there is no pack {gap}"
                yield pack.label, Finding(Flaw.SEQUENCE_GAP, "SEAL.txt", what)
    yield from _links(chain, keys_matter)


def _gap(missing: range, explained: Sequence[range]) -> str:
    """The numbers that no seal explains, as `2 to 4, 7`; empty: none."""
    at, gaps = missing.start, []
    for known in sorted((one for one in explained if one.stop > missing.start and one.start < missing.stop), key=lambda one: one.start):
        gaps.append(range(at, known.start))
        at = max(at, known.stop)
    gaps.append(range(at, missing.stop))
    return ", ".join(f"{gap[0]}" if len(gap) == 1 else f"{gap[0]} to {gap[-1]}" for gap in gaps if gap)


def _links(chain: Sequence[Checked], keys_matter: bool) -> Iterator[tuple[str, Finding]]:
    """Each pack names the seal of another one, but for one at the beginning; no two packs follow the same one."""
    by_seal = {pack.seal_sha256: pack for pack in chain}
    first: dict[str, Checked] = {}
    beginning = next((pack.sequence for pack in chain if _named(pack) not in by_seal), None)
    for pack in chain:
        before = by_seal.get(_named(pack))
        if before is None:
            if pack.sequence != beginning:
                below = max((other for other in chain if other.sequence < pack.sequence), key=lambda other: other.sequence)
                what = f"the seal that it names before it is not that of {below.seal['run_id']}, nor of another pack here"
                yield pack.label, Finding(Flaw.CHAIN_BROKEN, "SEAL.txt", what)
            continue
        other = first.setdefault(_named(pack), pack)
        if other.sequence != pack.sequence:
            what = f"the seal that it names before it, that of {before.seal['run_id']}, is followed by {other.seal['run_id']} already"
            yield pack.label, Finding(Flaw.CHAIN_BROKEN, "SEAL.txt", what)
        announced = before.seal.get("next-signing-key-sha256") == pack.key and not before.findings
        if keys_matter and pack.key and before.key and pack.key != before.key and not announced:
            yield pack.label, Finding(Flaw.CHAIN_KEY, "SEAL.txt.sig", f"it is signed by another key than {before.seal['run_id']}, which names none")


def _named(pack: Checked) -> str:
    return pack.seal["sha256-of-previous-SEAL"]


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
    for _, chain in groupby((pack for pack in packs if pack.seal), key=lambda pack: pack.seal["chain"]):
        lines += _notes(list(chain))
    return lines


def _notes(chain: Sequence[Checked]) -> Iterator[str]:
    """What is no flaw of a chain and has to be known: numbers without a pack, a state that was begun anew, what to compare the newest with."""
    there = {pack.sequence for pack in chain}
    for pack in chain:
        if dead := ", ".join(f"{one[0]}" if len(one) == 1 else f"{one[0]}-{one[-1]}" for one in pack.unsealed if there.isdisjoint(one)):
            yield ""
            yield f"The seal of {pack.seal['run_id']} says that number {dead} was claimed and had no seal then: that run died, or was"
            yield "still at work. Its log says which."
    for before, after in pairwise(chain):
        if before.seal.get("chain-id", "") != after.seal.get("chain-id", "") and before.seal.get("chain-id"):
            yield ""
            yield f"The state of the chain was begun anew before {after.seal['run_id']} ({after.seal.get('chain-id', 'no chain-id')}): ask why."
            yield f"Runs after {before.seal['run_id']} that the earlier state knew would not show as a gap."
    named = {_named(pack) for pack in chain}
    head = [pack for pack in chain if pack.seal_sha256 not in named][-1]
    yield ""
    yield f"Newest of these: {head.seal['run_id']}. SHA-256 of its seal:"
    yield f"    {head.seal_sha256}"
    yield "Compare it with the one in the mail of that run, and see that no mail tells of a later run: that newer packs were cut off does not"
    yield "show in the packs that are left."


def _told(pack: Checked, width: int) -> Iterator[str]:
    name, run = shown(pack.label).ljust(width), pack.seal.get("run_id", "no seal")
    if not pack.findings:
        stamped = f"  time stamp {iso(pack.stamped)}" if pack.stamped else ""
        yield f"OK    {name}  {run}  {counted(len(pack.sums), 'file', 'files')}{stamped}"
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
