"""The sandbox's own endpoints: tenants, seeds, knobs, faults, calls."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from reporter.sandbox.wp.call import Refused
from reporter.sandbox.wp.faults import Fault
from reporter.sandbox.wp.seeds import seed
from reporter.sandbox.wp.state import Answer, State
from reporter.sandbox.wp.tenant import Auth


class NewTenant(msgspec.Struct, forbid_unknown_fields=True):
    """A tenant's name and one API key for it; a second call with the same name adds a key."""

    name: str
    key: str
    auth: Auth = "api-key"
    roleID: int = 1  # noqa: N815 - the API's own word


class Seed(msgspec.Struct, forbid_unknown_fields=True):
    """Items of one kind for one tenant."""

    tenant: str
    kind: str
    items: list[Any]


def _tenants(state: State, body: bytes) -> Any:
    wanted = msgspec.json.decode(body, type=NewTenant)
    state.add_key(wanted.name, wanted.key, wanted.auth, wanted.roleID)
    return {"tenants": sorted(state.tenants)}


def _seed(state: State, body: bytes) -> Any:
    wanted = msgspec.json.decode(body, type=Seed)
    if wanted.tenant not in state.tenants:
        raise Refused(404, "there is no tenant of this name")
    return {"seeded": seed(state.tenants[wanted.tenant], wanted.kind, wanted.items)}


def _turn(state: State, body: bytes) -> Any:
    return msgspec.to_builtins(state.turn(msgspec.json.decode(body, type=dict[str, Any])))


def _lay_faults(state: State, body: bytes) -> Any:
    found = msgspec.json.decode(body, type=list[Fault] | Fault)
    state.faults.lay(found if isinstance(found, list) else [found])
    return {}


def _lift_faults(state: State, _body: bytes) -> Any:
    state.faults.lift()
    return {}


def _calls(state: State, _body: bytes) -> Any:
    return state.calls


def _forget_calls(state: State, _body: bytes) -> Any:
    state.calls.clear()
    return {}


def _violations(state: State, _body: bytes) -> Any:
    return state.violations


def _reset(state: State, _body: bytes) -> Any:
    state.reset()
    return {}


_ENDPOINTS: dict[tuple[str, str], Callable[[State, bytes], Any]] = {
    ("POST", "/sandbox/tenants"): _tenants,
    ("POST", "/sandbox/seed"): _seed,
    ("POST", "/sandbox/settings"): _turn,
    ("POST", "/sandbox/reset"): _reset,
    ("POST", "/sandbox/faults"): _lay_faults,
    ("DELETE", "/sandbox/faults"): _lift_faults,
    ("GET", "/sandbox/calls"): _calls,
    ("DELETE", "/sandbox/calls"): _forget_calls,
    ("GET", "/sandbox/violations"): _violations,
}


def control(state: State, method: str, path: str, body: bytes) -> Answer:
    """Answer a call on /sandbox/...; errors are {"message"} with 400 or 404."""
    endpoint = _ENDPOINTS.get((method, path))
    if endpoint is None:
        return Answer(404, msgspec.json.encode({"message": "Not Found"}))
    try:
        with state.lock:
            return Answer(200, msgspec.json.encode(endpoint(state, body)))
    except Refused as error:
        return Answer(error.status, msgspec.json.encode({"message": error.message}))
    except (msgspec.DecodeError, msgspec.ValidationError, UnicodeDecodeError) as error:
        return Answer(400, msgspec.json.encode({"message": str(error)}))
