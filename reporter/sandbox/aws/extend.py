"""Adds to moto what it lacks: an operation is a function of one `Call`, parsed from and serialised by botocore's own models.

A service's file in this folder ends with `EXTENSION = Extension(...)`; `install()` finds them by walking the folder.
The names touched inside moto are few (Response methods, `url_paths`, `parse_parameters`, `ActionResult`); moto is pinned for that.
"""

from __future__ import annotations

import functools
import importlib
import json
import pkgutil
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import moto.backends
from moto.core import responses
from moto.core.exceptions import ServiceException
from moto.core.responses import ActionResult
from moto.core.utils import camelcase_to_underscores, get_service_model

from reporter.sandbox.aws.conformance import Entry
from reporter.sandbox.aws.speed import quicken
from reporter.sandbox.aws.store import STORE


@dataclass(frozen=True, slots=True)
class Call:
    """One request to one operation. `params` has the model's member names; `response` is moto's Response object."""

    service: str
    operation: str
    account: str
    region: str
    params: Mapping[str, Any]
    response: Any
    original: Callable[[], Any]
    """What moto itself would answer."""

    def shelf(self, kind: str) -> dict[str, Any]:
        return STORE.shelf(self.service, kind, self.account, self.region)

    @property
    def backend(self) -> Any:
        """moto's state of this service, account and region."""
        get_backend: Any = moto.backends.get_backend
        return get_backend(self.service)[self.account][self.region]


Handler = Callable[[Call], Any]
Seeder = Callable[[str, str, list[Any]], None]
"""(account, region, items): puts items where the operations find them. Raises NotConforming."""


@dataclass(frozen=True, slots=True)
class Extension:
    """What one file adds to one service."""

    service: str
    operations: Mapping[str, Handler] = field(default_factory=dict)
    kinds: Mapping[str, Seeder] = field(default_factory=dict)
    patch: Callable[[], None] | None = None
    """Called once; changes moto where no operation of its own is the place."""
    forget: Callable[[], None] | None = None
    """Called at each reset; drops what moto's own reset keeps."""


class Refused(ServiceException):
    """An AWS error; of our own module, because moto looks up the service by its exceptions' modules."""


def refuse(code: str, message: str) -> Refused:
    """An AWS error to raise; its HTTP status comes from the service's model."""
    return Refused(code, message)


def entries_answer(key: str, entries: Iterable[Entry], **rest: Any) -> tuple[int, dict[str, str], str]:
    """A JSON answer with a list of stored objects, which are on the shelf in their wire form already; None is left out."""
    fields = [f'"{key}":[{",".join(entry.text for entry in entries)}]']
    fields += [f"{json.dumps(name)}:{json.dumps(value)}" for name, value in rest.items() if value is not None]
    return 200, {"content-type": "application/json"}, "{" + ",".join(fields) + "}"


def response_class(service: str) -> Any:
    """moto's Response class of a service."""
    module = importlib.import_module(f"moto.{service}.responses")
    for owner in vars(module).values():
        own = isinstance(owner, type) and issubclass(owner, responses.BaseResponse) and owner.__module__ == module.__name__
        if own and owner().service_name == service:
            return owner
    raise LookupError(f"moto has no Response class for {service}")


def extend(service: str, operation: str, handler: Handler) -> None:
    """Makes moto answer `operation` with `handler`, which returns the output as a dict (or an answer in moto's own form)."""
    owner = response_class(service)
    method = camelcase_to_underscores(operation)
    original = getattr(owner, method, None)

    def answer(self: Any, *args: Any, **kwargs: Any) -> Any:
        self.parse_parameters(self.normalized_request)
        before = functools.partial(original, self, *args, **kwargs) if original else functools.partial(_nothing_before, operation)
        result = handler(Call(service, operation, self.current_account, self.region, self.params, self, before))
        return ActionResult(result) if isinstance(result, dict) else result

    answer.__name__ = method
    setattr(owner, method, answer)
    _route(service, operation, owner)


def _nothing_before(operation: str) -> Any:
    raise LookupError(f"moto itself does not know {operation}")


def _route(service: str, operation: str, owner: Any) -> None:
    """A REST operation needs its path among the service's; the others share one."""
    model = get_service_model(service)
    if not model.protocol.startswith("rest-"):
        return
    path = model.operation_model(operation).http["requestUri"].split("?")[0]
    pattern = re.sub(r"\{(\w+)\+?\}", r"(?P<\1>[^/]+)", path)
    pattern = re.sub(r"\[\^/\]\+\)$", ".+)", pattern)
    importlib.import_module(f"moto.{service}.urls").url_paths.setdefault("{0}" + pattern + "$", owner.dispatch)


def extensions() -> list[Extension]:
    """Every extension in this folder, in file order."""
    package = importlib.import_module("reporter.sandbox.aws")
    modules = [
        importlib.import_module(f"{package.__name__}.{info.name}") for info in pkgutil.iter_modules(package.__path__) if info.name != "__main__"
    ]
    return [module.EXTENSION for module in modules if hasattr(module, "EXTENSION")]


@functools.cache
def install() -> dict[tuple[str, str], Seeder]:
    """Extends moto, once per process. Returns what can be seeded: (service, kind) → seeder."""
    quicken()
    seeders: dict[tuple[str, str], Seeder] = {}
    for extension in extensions():
        for operation, handler in extension.operations.items():
            extend(extension.service, operation, handler)
        if extension.patch:
            extension.patch()
        seeders |= {(extension.service, kind): seeder for kind, seeder in extension.kinds.items()}
    return seeders
