"""What the tags of an instance say: who owns it, its name, whether the report is about it."""

from __future__ import annotations

import json

from reporter.core.settings import TagScope


def read_tags(text: str) -> dict[str, str]:
    """The tags column (a JSON object of texts) -> tags. Raises ValueError for anything else: a defect of the source."""
    tags = json.loads(text)
    if not isinstance(tags, dict):
        raise ValueError("tags are not a JSON object")  # noqa: TRY004  # one kind of error for a text that is no set of tags
    return {str(key): str(value) for key, value in tags.items()}


def tag_value(tags: dict[str, str], key: str) -> str | None:
    """Value of one tag: the exact key first, else the first key, in order, that differs only in case; a blank value is no value."""
    names = [key, *sorted(name for name in tags if name != key and name.casefold() == key.casefold())]
    for name in names:
        if tags.get(name, "").strip():
            return tags[name]
    return None


def in_scope(tags: dict[str, str], scope: TagScope | None) -> bool:
    """Whether the report is about this instance. Tag keys and values are compared as AWS does: exactly."""
    return scope is None or tags.get(scope.tag) in scope.values
