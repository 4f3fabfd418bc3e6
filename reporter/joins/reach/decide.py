"""AWS's evaluation of one request, in three values. The package's docstring says what is decided and what stays open."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache

from reporter.joins.reach import acl, context, kms, principal, public
from reporter.joins.reach.glob import Glob, classes
from reporter.joins.reach.lines import Keys, Line, Lines, Target, lines, relevant
from reporter.joins.reach.principal import Named
from reporter.joins.reach.says import YES, Says, both, either
from reporter.joins.reach.subject import ACTIONS, Bucket, Request, Role
from reporter.joins.reach.truth import Reach, Truth

_NOBODY = "nothing allows it"


@dataclass(frozen=True)
class Decision:
    """`allowed_by`: the policies and statements that allow it, or would. `why`: what keeps it open, or shut; empty where it is allowed."""

    reach: Reach
    allowed_by: str
    why: tuple[str, ...]


@dataclass(frozen=True)
class _Asked:
    """All that speaks of one request."""

    identity: Lines
    boundary: Lines | None
    scps: tuple[Lines, ...]
    rcps: Lines
    resource: Lines

    def groups(self) -> tuple[Lines, ...]:
        return (self.identity, *(() if self.boundary is None else (self.boundary,)), *self.scps, self.rcps, self.resource)


_SILENT = Lines((), (), ())


def decide(request: Request) -> Decision:
    """Pure; raises nothing whatever the policies hold."""
    said = _answer(request)
    return Decision(Reach.of(said.truth), " and ".join(said.by), said.because)


def own_policies_allow(role: Role, bucket: Bucket, action: str) -> Truth:
    """Do the role's identity policies, within its boundary, allow it on some object, whatever the bucket's side says?"""
    target, known = Target(bucket.objects), context.of_objects(role, bucket)
    identity = lines(role.identity, action, target, known)
    if identity.silent:
        return Truth.NO
    asked = replace(_limits(role, action, target, known), identity=identity, scps=())
    return max(both(_identity(asked, keys), _not_denied(asked, keys)).truth for keys in _key_sets(asked, bucket.objects))


def worth_asking(role: Role, bucket: Bucket) -> bool:
    """Cheap, and never wrongly False: could the role reach the bucket at all? Across accounts both sides have to speak of each other."""
    if role.account == bucket.account:
        return True
    objects = bucket.objects
    return any(objects.startswith(head) or head.startswith(objects) for head in _heads(role)) and _lets_in(bucket, role.account)


@lru_cache(maxsize=65_536)
def _heads(role: Role) -> tuple[str, ...]:
    """What the resources begin with that the role's identity policies allow; empty text: any resource."""
    found: dict[str, None] = {}
    for policy in role.identity:
        if policy.unreadable:
            return ("",)
        for statement in {statement: None for action in ACTIONS for statement in relevant(policy, action)}:
            if statement.allows:
                found.update(dict.fromkeys(("",) if statement.not_resources else statement.heads))
    return tuple(found)


@lru_cache(maxsize=65_536)
def _lets_in(bucket: Bucket, account: str) -> bool:
    if bucket.policy.unreadable or (bucket.acls_count is not Truth.NO and (bucket.acl_grants is None or bucket.acl_grants)):
        return True
    return any(s.allows and principal.admits(s, account) for s in bucket.policy.statements)


def _answer(request: Request) -> Says:
    role, bucket = request.role, request.bucket
    nobody = Says(Truth.NO, (), (_NOBODY,))
    if not worth_asking(role, bucket):
        return nobody
    known = context.of_objects(role, bucket)
    target = Target(bucket.objects)
    identity = lines(role.identity, request.action, target, known)
    if identity.silent and role.account != bucket.account:
        return nobody
    resource = lines((bucket.policy,), request.action, target, known, role=role, session=request.session)
    granted = tuple(acl.grants(role, bucket, request.action))
    if identity.silent and resource.silent and not granted:
        return nobody
    rcps = () if role.service_linked else bucket.rcps
    asked = replace(_limits(role, request.action, target, known), identity=identity, resource=resource)
    asked = replace(asked, rcps=lines(rcps, request.action, target, known))
    through_key = _key(request)
    best = nobody
    for keys in _key_sets(asked, bucket.objects):
        limits = [_any(level, keys, "no service control policy allows it at one level") for level in asked.scps]
        said = both(_granted(request, asked, granted, keys), *map(_unnamed, limits), _not_denied(asked, keys), through_key)
        if said.truth > best.truth or best is nobody:
            best = said
        if best.truth is Truth.YES:
            break
    return best


def _granted(request: Request, asked: _Asked, granted: tuple[Says, ...], keys: Keys) -> Says:
    own = _identity(asked, keys)
    resource = asked.resource
    by_role = _any(resource, keys, _NOBODY, lambda who: who.role)
    direct = _any(resource, keys, _NOBODY, lambda who: who.direct)
    if request.role.account == request.bucket.account:
        return either((own, both(by_role, _boundary(asked, keys)), direct, *granted), _NOBODY)
    by_account = _any(resource, keys, _NOBODY, lambda who: who.account)
    by_policy = both(either((by_account, by_role, direct), _NOBODY), public.restriction(request.bucket))
    return both(own, either((by_policy, *granted), _NOBODY))


def _limits(role: Role, action: str, target: Target, known: context.Context) -> _Asked:
    """Boundary and service control policies of a role."""
    return _Asked(
        identity=_SILENT,
        boundary=None if role.boundary is None else lines((role.boundary,), action, target, known),
        scps=() if role.service_linked else tuple(lines(level, action, target, known) for level in role.scps),
        rcps=_SILENT,
        resource=_SILENT,
    )


def _identity(asked: _Asked, keys: Keys) -> Says:
    return both(_any(asked.identity, keys, _NOBODY), _boundary(asked, keys))


def _boundary(asked: _Asked, keys: Keys) -> Says:
    return YES if asked.boundary is None else _unnamed(_any(asked.boundary, keys, "the permissions boundary does not allow it"))


def _any(group: Lines, keys: Keys, otherwise: str, who: Callable[[Named], Truth] = lambda named: named.at_all) -> Says:
    """Does one statement of the group allow it? A NO keeps no statement's name: not applying is no ground."""
    said = (line.says(keys, who(line.named)) for line in group.allow)
    return either((*(one for one in said if one.truth is not Truth.NO), *group.unread), otherwise)


def _unnamed(said: Says) -> Says:
    """A limit does not grant: it is not named among what allows."""
    return Says(said.truth, (), said.because)


def _not_denied(asked: _Asked, keys: Keys) -> Says:
    shut: list[str] = []
    open_: list[str] = []
    for group in asked.groups():
        for line in group.deny:
            said = line.says(keys, line.named.at_all)
            if said.truth is Truth.YES:
                shut.append(f"denied by {line.statement.label}")
            elif said.truth is Truth.OPEN:
                open_.extend(said.because)
        open_.extend(why for said in group.unread for why in said.because)
    if shut:
        return Says(Truth.NO, (), tuple(sorted(shut)))
    return Says(Truth.OPEN, (), tuple(sorted(set(open_)))) if open_ else YES


def _key(request: Request) -> Says:
    if not request.bucket.encryption_read and request.action in kms.NEEDS:
        return Says(Truth.OPEN, (), ("the bucket's default encryption could not be read",))
    asked = kms.question(request)
    if asked is None:
        return YES
    needed, target, known = asked
    own = replace(_limits(request.role, needed, target, known), identity=lines(request.role.identity, needed, target, known))
    limits = [_any(level, None, f"no service control policy allows {needed} at one level") for level in own.scps]
    return kms.verdict(request.role, request.bucket, needed, both(_identity(own, None), *limits, _not_denied(own, None)))


def _key_sets(asked: _Asked, objects: str) -> tuple[Keys, ...]:
    """Sets of object keys that the policies tell apart; mostly one, that of all keys."""
    patterns: set[Glob] = set()
    for group in asked.groups():
        for line in _all(group):
            patterns |= line.partial()
    if not patterns:
        return (frozenset(),)
    found = classes(frozenset(patterns), objects)
    return (None,) if found is None else found


def _all(group: Lines) -> tuple[Line, ...]:
    return group.allow + group.deny
