"""One web ACL read, its rules rewritten, and seen again. Nobody else's change is overwritten: each write carries the lock token of what was read."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from reporter.actions.web_acl_document import Rule, differences, digest, document, lost, rules
from reporter.clients.aws_raw import RawAnswer
from reporter.clients.hand import Hand
from reporter.core.action import Held, Refused, Stale
from reporter.core.answers import field
from reporter.core.change import Change, Json
from reporter.core.errors import ScopeProblem

SERVICE = "wafv2"
GONE = ("WAFNonexistentItemException",)
LOCKED = "WAFOptimisticLockException"
ATTEMPTS = 3
"""how often a write is tried that somebody else's write forestalls"""


@dataclass(frozen=True)
class WebAcl:
    """A web ACL as it is now. `token`: its lock token; `lost`: what of it an update could not give back."""

    acl: dict[str, Any]
    token: str
    lost: tuple[str, ...]

    @property
    def sha256(self) -> str:
        return digest(self.acl)

    @property
    def rules(self) -> list[Rule]:
        return rules(self.acl)

    def writable(self) -> WebAcl:
        """This. Raises Held where an update is not ours to make, or would lose something."""
        if self.acl.get("ManagedByFirewallManager") or self.acl.get("RetrofittedByFirewallManager"):
            raise Held("the web ACL is managed by Firewall Manager: left alone")
        if self.lost:
            raise Held(f"the web ACL has {', '.join(self.lost)}, which this program's botocore does not know and would drop: update botocore")
        return self


def read(hand: Hand, change: Change) -> WebAcl | None:
    """The change's web ACL; None where it is gone. Raises Denied, Unavailable."""
    reader, bodies = hand.aws(change.account, change.region), list[bytes]()
    also = reader.raw

    def keep(answer: RawAnswer) -> None:
        bodies.append(answer.body)
        if also is not None:
            also(answer)

    reader.raw = keep
    answer = reader.call(SERVICE, "get_web_acl", absent=GONE, **_address(change.before))
    if not answer:
        return None
    acl, token = (field(answer, name, "wafv2 GetWebACL") for name in ("WebACL", "LockToken"))
    return WebAcl(acl, token, tuple(lost(json.loads(bodies[-1])["WebACL"])))


def write(hand: Hand, change: Change, now: WebAcl, new: Sequence[Rule]) -> str:
    """Put these rules in the place of those it has, all else as it is. Returns the new lock token. Raises Denied, Refused, Uncertain."""
    body = {**document(now.acl), **_address(change.before), "Rules": list(new), "LockToken": now.token}
    return str(hand.aws_write(change.account, change.region, SERVICE, "update_web_acl", **body).get("NextLockToken", ""))


@dataclass(frozen=True)
class Written:
    """What a rewriting came to. `token`: the lock token that it used up; `problem`: what is wrong with the web ACL since; `note`: for people."""

    token: str
    problem: str = ""
    note: str = ""


Turn = Callable[[WebAcl | None, bool], Sequence[Rule] | None]
"""(the web ACL now, whether a write of ours may have taken effect unseen) -> its rules to be; None: nothing is left to be done. Raises NotMade."""


def rewrite(hand: Hand, change: Change, names: Collection[str], turn: Turn, *, resumed: bool) -> Written | None:
    """Rewrite the rules; where somebody else writes at the same time, look and turn again. None: turn() had nothing to write.

    `names`: of the rules that the turn adds, changes or takes away; all else must be afterwards what it was.

    A write that took effect and lost its answer is repeated by botocore, and then refused for its lock token: after such a refusal what is found may
    be our own doing. Raises NotMade, Denied, Unavailable, Refused, Uncertain.
    """
    for _ in range(ATTEMPTS):
        now = read(hand, change)
        new = turn(now, resumed)
        if new is None or now is None:
            return None
        try:
            token = write(hand, change, now, new)
        except Refused as refusal:
            if refusal.code != LOCKED:
                raise
            resumed = True
            continue
        return _seen(hand, change, now, new, token, names)
    raise Stale(f"the web ACL was changed by others {ATTEMPTS} times while it was to be written")


def _seen(hand: Hand, change: Change, before: WebAcl, new: Sequence[Rule], token: str, names: Collection[str]) -> Written:
    """What the web ACL has become. Only a web ACL with the token that our write gave it is one that our write alone has made."""
    try:
        now = read(hand, change)
    except ScopeProblem as problem:
        return Written(before.token, note=f"; it could not be read back: {problem.message}")
    if now is None or now.token != token:
        return Written(before.token, note="; what it has become is not to be seen yet, or somebody has changed it since")
    wrong = differences(_others(before.acl, new, names), _others(now.acl, now.rules, names))
    return Written(before.token, problem=f"the web ACL is not what was written: {', '.join(wrong)} differ" if wrong else "")


def _others(acl: Json, listed: Sequence[Rule], names: Collection[str]) -> dict[str, Any]:
    return {**acl, "Rules": [rule for rule in listed if rule["Name"] not in names]}


def _address(before: Json) -> Mapping[str, str]:
    return {"Name": before["name"], "Id": before["id"], "Scope": before["scope"]}
