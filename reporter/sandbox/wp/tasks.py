"""Scheduled tasks: the only way to start a scan. They run when told to (runNow); recurring times do not come by themselves here."""

from __future__ import annotations

from functools import partial

from reporter.sandbox.wp import scans, sending
from reporter.sandbox.wp.call import Call, Refused, Route, not_found
from reporter.sandbox.wp.effective import computers_using
from reporter.sandbox.wp.groups import computers_in_group
from reporter.sandbox.wp.roles import require
from reporter.sandbox.wp.schemas import accepted
from reporter.sandbox.wp.search import search, shuffled
from reporter.sandbox.wp.tenant import Object, Tenant

SEND = "send-policy"
_PARAMETERS = {
    scans.RECOMMENDATION: "scanForRecommendationsTaskParameters",
    scans.INTEGRITY: "scanForIntegrityChangesTaskParameters",
    SEND: "sendPolicyTaskParameters",
}
_TARGET = {
    "computer": ("computerID", "computers"),
    "computers-in-group": ("computerGroupID", "computer_groups"),
    "computers-in-group-or-subgroup": ("computerGroupID", "computer_groups"),
    "computers-using-policy": ("policyID", "policies"),
    "computers-using-policy-or-subpolicy": ("policyID", "policies"),
}
_RIGHTS = "scheduledTaskRights"


def targets(tenant: Tenant, wanted: Object) -> list[int]:
    """Ids of the computers a computerFilter means, sorted."""
    kind = wanted.get("type")
    if kind == "computer":
        return [wanted["computerID"]] if wanted["computerID"] in tenant.computers else []
    if kind in ("computers-in-group", "computers-in-group-or-subgroup"):
        return computers_in_group(tenant, wanted["computerGroupID"], subgroups=kind.endswith("subgroup"))
    if kind in ("computers-using-policy", "computers-using-policy-or-subpolicy"):
        return computers_using(tenant, wanted["policyID"], subpolicies=kind.endswith("subpolicy"))
    return sorted(tenant.computers)


def _check(tenant: Tenant, task: Object) -> None:
    for name in ("name", "type", "scheduleDetails"):
        if not task.get(name):
            raise Refused(400, f"{name} is missing")
    parameters = _PARAMETERS.get(task["type"])
    if parameters is None:
        return
    wanted = task.get(parameters, {}).get("computerFilter", {})
    kind = wanted.get("type")
    if kind is None or kind == "computers-in-smart-folder":
        raise Refused(400, f"{parameters} has no computerFilter that this server knows")
    id_name, place = _TARGET.get(kind, ("", ""))
    if id_name and wanted.get(id_name) not in getattr(tenant, place):
        raise Refused(400, f"{id_name} of the computerFilter is missing or not known")


def _run(call: Call, task: Object) -> None:
    require(call, _RIGHTS, "canExecuteScheduledTasks")
    tenant, kind = call.tenant, task["type"]
    task["lastRunTime"] = call.now
    due = call.now
    if kind in _PARAMETERS:
        chosen = targets(tenant, task[_PARAMETERS[kind]]["computerFilter"])
        if kind == SEND:
            sending.request(tenant, chosen, call.now, call.knobs)
        else:
            due += round(call.knobs.scan_delay * 1000)
            scans.start(tenant, kind, chosen, call.now, call.knobs)
    details = task["scheduleDetails"]
    if details.get("recurrenceType") == "none" and details.get("recurrenceCount") == 1:
        tenant.later(due + round(call.knobs.task_removal_delay * 1000), partial(_vanish, tenant, task["ID"]))


def _vanish(tenant: Tenant, task_id: int, _at: int) -> None:
    tenant.scheduled_tasks.pop(task_id, None)


def _create(call: Call) -> Object:
    require(call, _RIGHTS, "canCreateNewScheduledTasks")
    task = accepted("ScheduledTask", call.document())
    run_now = task.pop("runNow", False)
    task.setdefault("enabled", True)
    _check(call.tenant, task)
    task["ID"] = call.tenant.next_task_id()
    if run_now:
        _run(call, task)
    call.tenant.scheduled_tasks[task["ID"]] = task
    return task


def _modify(call: Call) -> Object:
    before = _task(call)
    require(call, _RIGHTS, "canEditScheduledTaskProperties")
    changes = accepted("ScheduledTask", call.document())
    run_now = changes.pop("runNow", False)
    task = {**before, **changes}
    _check(call.tenant, task)
    if run_now:
        _run(call, task)
    call.tenant.scheduled_tasks[task["ID"]] = task
    return task


def _task(call: Call) -> Object:
    require(call, _RIGHTS, "canViewScheduledTasks")
    task = call.tenant.scheduled_tasks.get(call.id("scheduledTaskID"))
    if task is None:
        raise not_found()
    return task


def _list(call: Call) -> Object:
    require(call, _RIGHTS, "canViewScheduledTasks")
    return {"scheduledTasks": shuffled(call.tenant.scheduled_tasks.values(), call.knobs, "ScheduledTask")}


def _search(call: Call) -> Object:
    require(call, _RIGHTS, "canViewScheduledTasks")
    return {"scheduledTasks": search(call.tenant.scheduled_tasks.values(), "ScheduledTask", call.document(), call.knobs)}


def _delete(call: Call) -> None:
    task = _task(call)
    require(call, _RIGHTS, "canDeleteScheduledTasks")
    del call.tenant.scheduled_tasks[task["ID"]]


ROUTES = (
    Route("GET", "/scheduledtasks", _list),
    Route("POST", "/scheduledtasks", _create),
    Route("POST", "/scheduledtasks/search", _search),
    Route("GET", "/scheduledtasks/{scheduledTaskID}", _task),
    Route("POST", "/scheduledtasks/{scheduledTaskID}", _modify),
    Route("DELETE", "/scheduledtasks/{scheduledTaskID}", _delete),
)
