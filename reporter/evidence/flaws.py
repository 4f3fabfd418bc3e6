"""What can be wrong with a pack: one word for each flaw, and what it means for who relies on the pack."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from reporter.core.text import flat


class Flaw(StrEnum):
    """The word that `reporter verify` prints after FAIL."""

    UNREADABLE = "unreadable"
    LINK = "link"
    ZIP_DAMAGED = "zip-damaged"
    ZIP_NAME = "zip-name"
    ZIP_TWICE = "zip-name-twice"
    ZIP_HIDDEN = "zip-hidden"
    ZIP_FORM = "zip-form"
    ZIP_TOO_LARGE = "zip-too-large"
    SEAL_MISSING = "seal-missing"
    SEAL_TOO_LARGE = "seal-too-large"
    SEAL_FORM = "seal-form"
    SEAL_LINE_ENDS = "seal-line-ends"
    SECOND_SEAL = "second-seal"
    KEY_MISSING = "key-missing"
    KEY_FORM = "key-form"
    KEY_CHANGED = "key-changed"
    SIGNATURE_MISSING = "signature-missing"
    SIGNATURE = "signature"
    TIMESTAMP = "timestamp"
    OTHER_KEY = "signed-by-another-key"
    LIST_MISSING = "list-missing"
    LIST_TOO_LARGE = "list-too-large"
    LIST_CHANGED = "list-changed"
    LIST_LINE_ENDS = "list-line-ends"
    LIST_FORM = "list-form"
    LIST_OUTSIDE = "list-outside"
    LIST_COUNT = "list-count"
    FILE_CHANGED = "file-changed"
    FILE_LINE_ENDS = "file-line-ends"
    FILE_SWAPPED = "file-swapped"
    FILE_MISSING = "file-missing"
    FILE_NOT_LISTED = "file-not-listed"
    PREVIOUS_SEAL = "previous-seal"
    SEQUENCE_GAP = "sequence-gap"
    SEQUENCE_TWICE = "sequence-twice"
    CHAIN_BROKEN = "chain-broken"
    CHAIN_KEY = "chain-key"


MEANS: dict[Flaw, str] = {
    Flaw.UNREADABLE: "what cannot be read is not checked, and a pack that is not checked in full is not OK",
    Flaw.LINK: "it shows what lies elsewhere, and that can change after sealing; a pack holds plain files only",
    Flaw.ZIP_DAMAGED: "the zip was cut off, or changed after it was made; nothing can be said about what is missing",
    Flaw.ZIP_NAME: "extracting it would write outside the folder; do not extract this zip",
    Flaw.ZIP_TWICE: "programs differ in which of the two they show; do not extract this zip",
    Flaw.ZIP_HIDDEN: "programs that read a zip from its beginning show another one than those that read it from its end; do not extract this zip",
    Flaw.ZIP_FORM: "a zip of a pack is not encrypted, and its members are stored or deflated; this member was not read",
    Flaw.ZIP_TOO_LARGE: "it is beyond what a pack may unpack to, as a zip bomb is; it was not read",
    Flaw.SEAL_MISSING: "the pack was never sealed, or its seal was taken away; nothing in it can be relied on",
    Flaw.SEAL_TOO_LARGE: "no key service signs so much; this is not a seal of the reporter",
    Flaw.SEAL_FORM: "this is not a seal of the reporter",
    Flaw.SEAL_LINE_ENDS: "the seal was opened and saved by an editor, or copied as text; its words are as they were signed",
    Flaw.SECOND_SEAL: "a reader could be shown the wrong one; a pack has one seal, at its top",
    Flaw.KEY_MISSING: "it takes the key from elsewhere (--key) to check the signature",
    Flaw.KEY_FORM: "packs are signed with an EC P-256 key",
    Flaw.KEY_CHANGED: "the key file was exchanged after sealing",
    Flaw.SIGNATURE_MISSING: "nobody vouches for the seal",
    Flaw.SIGNATURE: "the seal or its signature was changed after signing",
    Flaw.TIMESTAMP: "the time stamp says nothing of when this pack was sealed: it belongs to another one, or was changed",
    Flaw.OTHER_KEY: "whoever sealed this pack does not hold the key you trust; all of it may have been made again",
    Flaw.LIST_MISSING: "no file of the pack can be checked",
    Flaw.LIST_TOO_LARGE: "no file of the pack can be checked",
    Flaw.LIST_CHANGED: "the list was rewritten after sealing, so that what it says of the files proves nothing",
    Flaw.LIST_LINE_ENDS: "the list was opened and saved by an editor, or copied as text; its words are as they were sealed",
    Flaw.LIST_FORM: "sha256sum would skip or misread the line, so that its file would go unchecked",
    Flaw.LIST_OUTSIDE: "the list vouches for a file that is not of the pack",
    Flaw.LIST_COUNT: "lines were added to or taken from the list",
    Flaw.FILE_CHANGED: "it was changed after sealing",
    Flaw.FILE_LINE_ENDS: "only its line ends were changed after sealing, as an editor or a copy as text does",
    Flaw.FILE_SWAPPED: "files were exchanged for one another after sealing",
    Flaw.FILE_MISSING: "it was removed or renamed after sealing",
    Flaw.FILE_NOT_LISTED: "it was added after sealing; the seal does not vouch for it",
    Flaw.PREVIOUS_SEAL: "the link to the run before cannot be relied on",
    Flaw.SEQUENCE_GAP: "a pack is missing, and no seal says that the run which took the number was never sealed",
    Flaw.SEQUENCE_TWICE: "two packs claim the same place in the chain; at most one is the one that was mailed that night",
    Flaw.CHAIN_BROKEN: "the pack does not follow the one before it; one of them was made again, removed or exchanged",
    Flaw.CHAIN_KEY: "unless the key was changed on purpose, one of the two packs was made again; give --key or --fingerprint for each key you trust",
}


@dataclass(frozen=True)
class Finding:
    """One flaw: where it is (a file, a line, a pack) and what was seen."""

    flaw: Flaw
    where: str
    what: str

    def __str__(self) -> str:
        return f"{self.flaw}  {shown(self.where)}: {flat(self.what)}. That means: {MEANS[self.flaw]}."


def shown(name: str) -> str:
    """A name of a file, whatever bytes it is made of, as one line of ASCII."""
    return ascii(name)[1:-1]
