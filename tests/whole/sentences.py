"""The sentences of a run, and those of them that have no form in a language."""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd

from reporter.core.language import Language

TABLES = {
    "results": ("reason", "observed", "expected"),
    "virtual_patches": ("reason",),
    "bucket_access": ("allowed_by",),
    "web_entries": ("reason",),
    "actions": ("reason", "error"),
    "scopes": ("message",),
}
WORDS_OF_AN_API = re.compile(r"(?:; |^)(?:arn:\S+|[\w ]+:\w+(?: \((?:block|count)\))?|[A-Z_]+)(?=; |$)")
"""ARNs, managed rule groups, and words like ENABLED: shown as they are"""


def left_english(folder: Path, language: Language) -> list[str]:
    """Distinct sentences of a run folder that stay English, names and words of the world aside."""
    tables = {name: pd.read_parquet(folder / "tables" / f"{name}.parquet") for name in (*TABLES, "instances")}
    instances = tables["instances"]
    raw = {*instances["policy"].dropna(), *(text for said in instances["agent_messages"] for text in said)}
    texts = {str(text) for name, columns in TABLES.items() for column in columns for text in tables[name][column].dropna().unique()}
    ours = {"; ".join(part for part in text.split("; ") if part not in raw) for text in texts}
    return [text for text in language.left_english(ours) if WORDS_OF_AN_API.sub("", text)]
