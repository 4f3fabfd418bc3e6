"""AWS's XML, typed: a reader of the wanted part of an answer, made from botocore's own model of it, on lxml's tree.

What it returns is what botocore's parser returns, without the members that nobody wants. A document type declaration, which AWS never sends, is
refused: no entity is ever expanded.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from botocore.model import ListShape, Shape, StructureShape

from reporter.clients.aws_shapes import Unusual, instant, wanted_members
from reporter.clients.wanted import Wanted

Read = Callable[[Any], Any]
"""An element -> its value."""


class _Parsers(threading.local):
    """lxml lets one thread at a time use a parser: each has its own."""

    parser: Any = None


_OWN = _Parsers()


def xml_decoder(shape: StructureShape, wanted: Wanted) -> Callable[[bytes], dict[str, Any]]:
    """A reader of bodies of this shape. It raises Unusual. Raises TypeError: the shape holds what is not known here."""
    read = _structure(shape, wanted)
    wrapper = shape.serialization.get("resultWrapper")

    def decode(body: bytes) -> dict[str, Any]:
        root = _document(body)
        if wrapper is not None:
            found = list(root.iterchildren(f"{{*}}{wrapper}"))
            if len(found) != 1:
                raise Unusual(f"{len(found)} elements {wrapper}")
            root = found[0]
        made: dict[str, Any] = read(root)
        return made

    return decode


def _document(body: bytes) -> Any:
    """The root of a body, which must be well-formed to its end."""
    from lxml import etree  # noqa: PLC0415  # 30 ms that only those who read XML pay

    if _OWN.parser is None:
        _OWN.parser = etree.XMLParser(
            encoding="utf-8", resolve_entities=False, no_network=True, load_dtd=False, remove_comments=True, remove_pis=True, huge_tree=True
        )
    if b"<!DOCTYPE" in body:
        raise Unusual("a document type declaration")
    try:
        return etree.fromstring(body, _OWN.parser)
    except etree.XMLSyntaxError as error:
        raise Unusual(str(error)) from error


def _reader(shape: Shape, wanted: Wanted) -> Read | None:
    """None: the element's text, as it is."""
    if isinstance(shape, StructureShape):
        return _structure(shape, wanted)
    if isinstance(shape, ListShape):
        if shape.serialization.get("flattened"):
            raise TypeError(f"{shape.name} is flattened")
        return _list(_reader(shape.member, wanted))
    if shape.type_name == "string":
        return None
    scalars: dict[str, Callable[[str], Any]] = {"boolean": "true".__eq__, "integer": int, "long": int, "timestamp": instant}
    if shape.type_name not in scalars:
        raise TypeError(f"{shape.name} is a {shape.type_name}")
    return _scalar(scalars[shape.type_name])


def _structure(shape: StructureShape, wanted: Wanted) -> Read:
    members = {member.serialization.get("name", name): (name, _reader(member, below)) for name, member, below in wanted_members(shape, wanted)}
    tags = [f"{{*}}{tag}" for tag in members]
    known: dict[str, tuple[str, Read | None]] = {}

    def read(element: Any) -> dict[str, Any]:
        made: dict[str, Any] = {}
        for child in element.iterchildren(*tags):
            tag = child.tag
            if tag not in known:
                known[tag] = members[tag.rpartition("}")[2]]
            name, further = known[tag]
            if name in made:
                raise Unusual(f"{tag} twice")
            made[name] = (child.text or "") if further is None else further(child)
        return made

    return read


def _list(member: Read | None) -> Read:
    if member is None:
        return lambda element: [child.text or "" for child in element]
    return lambda element: [member(child) for child in element]


def _scalar(understood: Callable[[str], Any]) -> Read:
    return lambda element: understood(element.text or "")
