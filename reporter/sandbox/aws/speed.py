"""What makes moto fast enough for an estate of thousands of calls: the same answers, with less looking up.

Measured on DescribeInstances and RunInstances: guessing attribute names and writing XML were most of the time, then listing moto's own
folder at each request.
"""

from __future__ import annotations

import functools
from collections.abc import Generator, Mapping
from types import SimpleNamespace
from typing import Any
from xml.sax.saxutils import escape, quoteattr

import xmltodict
from moto.core import responses, serialize
from moto.core.serialize import XFormedAttributePicker
from moto.moto_server.werkzeug_app import DomainDispatcherApplication

DECLARATION = '<?xml version="1.0" encoding="utf-8"?>\n'


class RememberingPicker(XFormedAttributePicker):
    """moto's search for the attribute behind a member; the names to try depend on classes and models only, so they are kept."""

    _names: dict[tuple[type, Any, str], tuple[str, ...]] = {}  # noqa: RUF012 one for all, on purpose

    def get_possible_keys(self, context: Any) -> Generator[str]:
        place = (type(context.obj), context.shape, context.key)
        names = self._names.get(place)
        if names is None:
            names = self._names[place] = tuple(dict.fromkeys(super().get_possible_keys(context)))
        yield from names


class Dispatcher(DomainDispatcherApplication):
    """moto's dispatcher, which matches some 200 patterns for each request; here for each host once."""

    def __init__(self, create_app: Any) -> None:
        super().__init__(create_app)
        self._backends: dict[str, Any] = {}

    def get_backend_for_host(self, host: str | None) -> Any:
        if host is None:
            return None
        if host not in self._backends:
            self._backends[host] = super().get_backend_for_host(host)
        return self._backends[host]


def unparse(body: Mapping[str, Any], *, full_document: bool = True, short_empty_elements: bool = False, pretty: bool = False) -> str:
    """xmltodict's writer, for what moto writes with it: `@name` is an attribute, `#text` the text, a list repeats its element."""
    if pretty:
        return str(xmltodict.unparse(body, full_document=full_document, short_empty_elements=short_empty_elements, pretty=True))
    out: list[str] = [DECLARATION] if full_document else []
    for name, value in body.items():
        _element(name, value, out, short=short_empty_elements)
    return "".join(out)


def _element(name: str, value: Any, out: list[str], *, short: bool) -> None:
    if isinstance(value, list | tuple):
        for item in value:
            _element(name, item, out, short=short)
        return
    if not isinstance(value, Mapping):
        text = escape(_text(value))
        out.append(f"<{name}/>" if short and not text else f"<{name}>{text}</{name}>")
        return
    attributes = "".join(f" {key[1:]}={quoteattr(_text(item))}" for key, item in value.items() if key.startswith("@"))
    children: list[str] = []
    for key, item in value.items():
        if not key.startswith("@") and key != "#text":
            _element(key, item, children, short=short)
    inner = "".join(children) + escape(_text(value.get("#text")))
    out.append(f"<{name}{attributes}/>" if short and not inner else f"<{name}{attributes}>{inner}</{name}>")


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)


def quicken() -> None:
    """Puts the shortcuts into moto. Once per process is enough; twice is harmless."""
    core: Any = responses
    core.method_names_from_class = functools.cache(core.method_names_from_class)
    core.XFormedAttributePicker = RememberingPicker
    writer: Any = serialize
    writer.xmltodict = SimpleNamespace(unparse=unparse)
