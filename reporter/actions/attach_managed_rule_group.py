"""Add the managed rule groups that the policies behind a web ACL ask for: in Count first, and after some days of counting let them act.

A group is added as one rule after all others. Default action, other rules and every other member of the web ACL stay as they are; a web ACL that
Firewall Manager, CloudFormation or Terraform owns is left alone, and what to add is printed. WAF brings a change everywhere within minutes: what is
verified is what it holds in its configuration.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from reporter.actions.web_acl import SERVICE, WebAcl, Written, read, rewrite
from reporter.actions.web_acl_document import Group, Rule, group_of, groups, named, override, rules
from reporter.actions.web_acl_promotion import SUFFIX, promotions, with_override
from reporter.actions.web_acl_rules import new_rules, patch
from reporter.actions.web_acl_world import Entry, WebAcls
from reporter.clients.hand import Hand
from reporter.core.action import Action, Held, NotNeeded, Stale
from reporter.core.change import ActionState, Change, Json, Outcome
from reporter.core.errors import ScopeProblem
from reporter.core.past import Past
from reporter.core.world import World
from reporter.schedule import Actions

NAME = "attach_managed_rule_group"
SEVERITY = "MEDIUM"
"""that of the check managed_rules_match"""
MOST_CAPACITY, PAID_CAPACITY = 5000, 1500
"""WCU that a web ACL may have, and beyond which it costs more"""
TOO_MUCH = ("WAFLimitsExceededException",)
SOON = "WAF takes some minutes to bring it everywhere"


def plan(world: World, past: Past, settings: Actions) -> list[Change]:
    """One change per web ACL that lacks groups, one per web ACL with rules that have counted long enough."""
    del settings
    acls = WebAcls(world)
    lacking = {arn for entry in acls.entries if entry.state == "missing_rules" for arn in entry.acls}
    changes = [change for arn in sorted(lacking) if (change := _attachment(world, acls, arn)) is not None]
    return sorted([*changes, *promotions(NAME, SEVERITY, world, past)], key=lambda change: change.rank)


def _attachment(world: World, acls: WebAcls, arn: str) -> Change | None:
    """The groups that one web ACL lacks; None where only another web ACL before the same entries does."""
    account, region = acls.place(arn)
    acl = acls.seen.get(arn)
    asking = [entry for entry in acls.entries if arn in entry.acls and entry.state == "missing_rules"]
    there = {":".join(group) for group in groups(acl.acl)} if acl is not None else set()
    absent = {text for entry in asking for text in _absent(world, entry, there)}
    offered = acls.offered(arn)
    unmet = {name for entry in asking for name in _unmet(world, entry, there)}
    held, added, printed = acls.unread(arn), list[dict[str, Any]](), ""
    before: dict[str, Any] = {"arn": arn}
    if acl is not None and not held:
        if not absent and not unmet:
            return None
        listed = rules(acl.acl)
        added = new_rules([offered[text] for text in sorted(absent & set(offered))], listed)
        before = {
            **acl.before(),
            "rules": [{"name": rule["Name"], "priority": rule["Priority"]} for rule in listed],
            "default_action": acl.acl.get("DefaultAction", {}),
        }
        if added:
            held, printed = acls.not_ours(acl), patch(acl.owner, acl.name, added)
        else:
            held = f"no wanted managed rule group is on offer in {account} {region}"
    wanted = ", ".join(sorted(absent)) or f"a group for {', '.join(sorted(unmet))}"
    missing = sorted(absent - set(offered)) if added else []
    return Change(
        action=NAME,
        target=arn,
        account=account,
        region=region,
        severity=SEVERITY,
        reason=f"the policies behind the web ACL {acl.name if acl else arn} ask for {wanted}, which is not in it"
        + (f"; not on offer there: {', '.join(missing)}" if missing else ""),
        before=before,
        after={"rules": added},
        subjects=(arn,),
        facts={**acls.blast(arn), "patch": printed},
        held=held,
    )


def _absent(world: World, entry: Entry, there: set[str]) -> set[str]:
    """Groups, as vendor:name, that an entry wants and that are not there; any group of a set does for the whole set."""
    present = there | entry.present
    found = set()
    for text in set(entry.wanted) - present:
        standing_for = [names for one in entry.sets if text in (names := _groups(world, one))]
        if not standing_for or any(not names & present for names in standing_for):
            found.add(text)
    return found


def _unmet(world: World, entry: Entry, there: set[str]) -> set[str]:
    """Sets of an entry for which the schedule names groups, and none is there."""
    return {one for one in entry.sets if (names := _groups(world, one)) and not names & (there | entry.present)}


def _groups(world: World, name: str) -> set[str]:
    return {f"{group.vendor}:{group.name}" for group in getattr(world.settings.waf, name, ())}


def apply(change: Change, hand: Hand, resumed: bool) -> Outcome:
    """Write the new rules, or the new override action. Raises Stale, NotNeeded, Held, Denied, Refused, Uncertain, Unavailable."""
    promotion, wanted = _promotes(change), _wanted(change)
    delta: dict[str, Any] = {"arn": change.before["arn"]}

    def turn(now: WebAcl | None, ours: bool) -> Sequence[Rule] | None:
        if now is None:
            raise Stale("the web ACL is gone")
        now.writable()
        if now.sha256 != change.before["document_sha256"]:
            delta["rules"] = _made_already(change, now, wanted, ours=ours)
            return None
        delta["rules"] = sorted(wanted)
        if promotion:
            return with_override(now.rules, wanted, "None")
        new = [*now.rules, *change.after["rules"]]
        delta["capacity"] = _capacity(hand, change, new)
        return new

    written = rewrite(hand, change, list(wanted), turn, resumed=resumed)
    names = ", ".join(delta["rules"])
    told = f"{names}: {'acts from now on' if promotion else 'added in Count'}{delta.get('capacity', '')}; {SOON}"
    return _outcome(ActionState.APPLIED, told, written, delta)


def _made_already(change: Change, now: WebAcl, wanted: Mapping[str, Group], *, ours: bool) -> list[str]:
    """Names of the rules that are as the change would have them, though the web ACL is not as it was. Raises NotNeeded, Stale.

    `ours`: by this change's own earlier attempt. Where somebody took some of them away since, that stays so.
    """
    action = "None" if _promotes(change) else "Count"
    there = [name for name, rule in named(now.rules, wanted).items() if override(rule) == action]
    if ours and there:
        return sorted(there)
    if len(there) == len(wanted) or (action == "Count" and set(wanted.values()) <= groups(now.acl)):
        raise NotNeeded("it is already so in the web ACL")
    raise Stale("the web ACL is no longer what the plan saw")


def _capacity(hand: Hand, change: Change, new: Sequence[Rule]) -> str:
    """What is to be said of the capacity. Raises Held where it is too much, or cannot be known."""
    try:
        answer = hand.aws(change.account, change.region).call(
            SERVICE, "check_capacity", absent=TOO_MUCH, Scope=change.before["scope"], Rules=list(new)
        )
    except ScopeProblem as problem:
        raise Held(f"what capacity it would need could not be read: {problem.message}") from problem
    needed = answer.get("Capacity", f"more than {MOST_CAPACITY}")
    if not isinstance(needed, int) or needed > MOST_CAPACITY:
        raise Held(f"would need {needed} of {MOST_CAPACITY} WCU")
    return f"; the web ACL uses {needed} WCU, more than {PAID_CAPACITY} costs extra" if needed > PAID_CAPACITY else ""


def verify(change: Change, delta: Json, hand: Hand) -> Outcome:
    """Are the rules in the web ACL's configuration as they were written? Raises Denied, Unavailable."""
    now, wanted = read(hand, change), _wanted(change)
    if now is None:
        return Outcome(ActionState.FAILED, "the web ACL is gone")
    there = named(now.rules, wanted)
    missing = sorted(set(wanted) - set(there))
    acting = sorted(name for name, rule in there.items() if override(rule) == "None")
    counting = sorted(set(there) - set(acting))
    unseen = missing or (counting if _promotes(change) else [])
    if unseen and now.token == delta.get("token"):
        return Outcome(ActionState.APPLIED, "written, but not to be seen yet")
    if missing:
        return Outcome(ActionState.FAILED, f"somebody removed it: {', '.join(missing)}")
    if unseen:
        return Outcome(ActionState.FAILED, f"somebody set it back to Count: {', '.join(unseen)}")
    if acting:
        return Outcome(ActionState.VERIFIED, f"{', '.join(acting)}: in the web ACL and acting (override action None); {SOON}")
    return Outcome(ActionState.VERIFIED, f"{', '.join(counting)}: in the web ACL, in Count{delta.get('capacity', '')}; {SOON}")


def undo(change: Change, delta: Json, hand: Hand) -> Outcome:
    """Take away the rules that were added, or let them count again; everything that others did since stays. Raises as apply does."""
    promotion, wanted = _promotes(change), {name: group for name, group in _wanted(change).items() if name in delta["rules"]}
    gone = ["was gone already"]

    def turn(now: WebAcl | None, ours: bool) -> Sequence[Rule] | None:
        mine = {} if now is None else named(now.rules, wanted)
        if promotion:
            mine = {name: rule for name, rule in mine.items() if override(rule) == "None"}
        if now is None or not mine:
            gone[:] = ["done"] if ours else gone
            return None
        now.writable()
        if promotion:
            return with_override(now.rules, mine, "Count")
        return [rule for rule in now.rules if rule["Name"] not in mine]

    written = rewrite(hand, change, list(wanted), turn, resumed=False)
    if written is None:
        return Outcome(ActionState.UNDONE, gone[0])
    told = "counts again" if promotion else "taken out of the web ACL"
    return _outcome(ActionState.UNDONE, f"{', '.join(sorted(wanted))}: {told}; {SOON}", written, delta)


def _outcome(state: ActionState, said: str, written: Written | None, delta: Json) -> Outcome:
    if written is None:
        return Outcome(state, said, delta)
    known = {**delta, "token": written.token}
    return Outcome(ActionState.FAILED, written.problem, known) if written.problem else Outcome(state, said + written.note, known)


def _promotes(change: Change) -> bool:
    return change.target.endswith(SUFFIX)


def _wanted(change: Change) -> dict[str, Group]:
    """The rules that a change is about, by name, with their groups."""
    if _promotes(change):
        return {name: (vendor, group) for name, (vendor, group) in change.before["groups"].items()}
    return {rule["Name"]: group for rule in change.after["rules"] if (group := group_of(rule)) is not None}


ACTION = Action(
    name=NAME,
    about="Managed rule groups into the web ACL that covers an entry: in Count first, acting after some days.",
    permissions=("wafv2:UpdateWebACL",),
    reading=("wafv2:GetWebACL", "wafv2:CheckCapacity"),
    rights=(),
    mode=lambda settings: settings.attach_managed_rule_group.mode,
    limit=lambda settings: settings.attach_managed_rule_group.limit,
    plan=plan,
    apply=apply,
    verify=verify,
    undo=undo,
    reads="the web ACL (GetWebACL) before and after, and what capacity its rules would need (CheckCapacity)",
    writes="the web ACL's rules (UpdateWebACL): one more per group, in Count; later the override action of that rule, None",
    takes_back="the rules this change added, by name and group; a promotion back to Count",
    never="touches the default action, other rules or any other member, or a web ACL that Firewall Manager, CloudFormation or Terraform owns",
)
