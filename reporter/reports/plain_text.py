"""Plain texts of the pack from their templates: one line for what comes from outside, in the encoding that each file promises."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

import jinja2

from reporter.core.clock import iso
from reporter.core.text import legible


def write_texts(folder: Path, names: Mapping[str, str], **given: Any) -> None:
    """File -> encoding; each from the template of its name."""
    environment = jinja2.Environment(autoescape=False, undefined=jinja2.StrictUndefined)  # noqa: S701  # plain text
    environment.trim_blocks = environment.lstrip_blocks = environment.keep_trailing_newline = True
    environment.filters.update({"moment": iso, "plain": plain})
    for name, encoding in names.items():
        template = files("reporter.templates").joinpath("evidence", f"{name}.j2").read_text(encoding="utf-8")
        (folder / name).write_text(environment.from_string(template).render(**given), encoding=encoding, newline="\n")


def plain(text: str) -> str:
    """Text from outside in ASCII, on one line."""
    return legible(" ".join(text.split())).encode("ascii", "backslashreplace").decode("ascii")
