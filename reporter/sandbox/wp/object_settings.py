"""Single settings of a policy or computer: read (inherited ones too), set, reset."""

from __future__ import annotations

from functools import partial

from reporter.sandbox.wp.call import Call, Refused, Route, not_found
from reporter.sandbox.wp.effective import settings_there
from reporter.sandbox.wp.roles import require, visible
from reporter.sandbox.wp.schemas import accepted, setting_names
from reporter.sandbox.wp.sending import after_change
from reporter.sandbox.wp.tenant import Object, Parent

_PLACE: dict[Parent, tuple[str, str, str]] = {
    "computers": ("computerID", "computerSettings", "ComputerSettings"),
    "policies": ("policyID", "policySettings", "PolicySettings"),
}
_RIGHT: dict[Parent, tuple[str, str]] = {
    "computers": ("computerRights", "canEditComputerProperties"),
    "policies": ("policyRights", "canEditPolicyProperties"),
}


def _place(parent: Parent, call: Call) -> tuple[Object, str, str]:
    id_name, key, schema = _PLACE[parent]
    found = visible(call, parent).get(call.id(id_name))
    if found is None or call.ids["name"] not in setting_names(schema):
        raise not_found()
    return found, key, call.ids["name"]


def _describe(parent: Parent, call: Call) -> Object:
    found, key, name = _place(parent, call)
    here = found.get(key, {}) if call.overrides else settings_there(call.tenant, parent, found["ID"])
    value: Object = here.get(name, {} if call.overrides else {"value": ""})
    return value


def _modify(parent: Parent, call: Call) -> Object:
    found, key, name = _place(parent, call)
    require(call, *_RIGHT[parent])
    value = accepted("SettingValue", call.document())
    if "value" not in value:
        raise Refused(400, "value is missing")
    found[key] = {**found.get(key, {}), name: value}
    after_change(call.tenant, parent, found["ID"], call.now, call.knobs)
    return value


def _reset(parent: Parent, call: Call) -> Object:
    found, key, name = _place(parent, call)
    require(call, *_RIGHT[parent])
    found[key] = {other: value for other, value in found.get(key, {}).items() if other != name}
    after_change(call.tenant, parent, found["ID"], call.now, call.knobs)
    return _describe(parent, call)


def _routes(parent: Parent) -> tuple[Route, ...]:
    path = f"/{parent}/{{{_PLACE[parent][0]}}}/settings/{{name}}"
    return (
        Route("GET", path, partial(_describe, parent)),
        Route("POST", path, partial(_modify, parent)),
        Route("DELETE", path, partial(_reset, parent)),
    )


ROUTES = (*_routes("computers"), *_routes("policies"))
