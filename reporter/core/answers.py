"""Parts of the world's answers, taken without believing them: required fields, tags, policy documents."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NoReturn, TypeVar
from urllib.parse import unquote

from reporter.core.errors import Unavailable

Item = TypeVar("Item")


def field(item: Mapping[str, Any], name: str, what: str) -> Any:
    """A field without which the item cannot be believed. `what` names the call or thing. Raises Unavailable where it is missing or empty."""
    value = item.get(name)
    if value is None or value == "":
        raise Unavailable(f"{what}: an answer without {name}")
    return value


def canonical(value: Any) -> str:
    """JSON with sorted keys; bytes as base64, as AWS sends them; a lone surrogate stays an escape, so that the text is always UTF-8."""
    text = json.dumps(value, sort_keys=True, ensure_ascii=False, default=_plain)
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def tags(pairs: Iterable[Mapping[str, Any]]) -> str:
    """AWS's list of Key and Value -> JSON object with sorted keys; `{}` if none. A tag without a value has an empty one."""
    return canonical({str(pair.get("Key") or ""): str(pair.get("Value") or "") for pair in pairs})


def policy_document(value: Any) -> str | None:
    """A policy document, decoded, as JSON text or as URL-encoded JSON text -> canonical JSON; None where it is no one JSON object."""
    try:
        parsed = _parse(value) if isinstance(value, str) else value
        return canonical(parsed) if isinstance(parsed, Mapping) else None
    except (ValueError, TypeError, RecursionError):
        return None


def chunks(items: Sequence[Item], size: int) -> Iterator[list[Item]]:
    """Consecutive parts of at most `size` items."""
    for start in range(0, len(items), size):
        yield list(items[start : start + size])


def _parse(text: str) -> Any:
    plain = text.strip()
    if not plain.startswith("{"):  # an object can only begin so; anything else may still be URL-encoded
        plain = unquote(plain)
    return json.loads(plain, object_pairs_hook=_single, parse_constant=_refuse)


def _single(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("the same key twice: it means different things to different readers")
    return found


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no JSON")


def _plain(value: Any) -> str:
    if isinstance(value, bytes):
        return base64.b64encode(value).decode("ascii")
    raise TypeError(f"no JSON form for {type(value).__name__}")
