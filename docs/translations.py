"""Brings templates/translations/*.po up to the texts of the code: `make translations`. New texts come in empty, texts that are gone go out.

Texts without context are found in templates and reports; states, titles of checks and heads of columns are read from the code that declares them.
The sentence forms (context `reason`) are written by hand in the file itself: reporter/core/sentences.py says how.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_file
from babel.messages.pofile import read_po, write_po

from reporter.checks import protection_modules
from reporter.core.modules import MODULES
from reporter.core.result import Status
from reporter.core.scope import ScopeState
from reporter.core.verdicts import RESTING
from reporter.frameworks import NO_EVIDENCE, mapping
from reporter.judge import discover
from reporter.reports import view, workbook

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "templates" / "translations"
KEYWORDS = {"_": None, "gettext": None, "mark": None, "ngettext": (1, 2)}
OPTIONS = {"newstyle_gettext": "true", "trimmed": "false", "silent": "false"}
STATES = (
    *(status.value.lower() for status in Status),
    *(state.value for state in ScopeState),
    *(*view.PROTECTIONS, *view.PATCH_STATES, *view.ACTION_STATES, *view.ENTRY_STATES, "allowed", "conditional"),
    *view.CHANGE_KINDS,
    *filter(None, view.CAUSES),
    *("sent", "bounced", "complained", "refused", "not_sent"),
    *("in_force", "ends_soon", "ran_out"),
    *("open", "none", "on_hosts", "rule_exists", "assigned"),
    *("instance_profile", "task_role"),
    *("scheduled", "event", "judge", "apply", "undo"),
    *RESTING,
    *("running", "pending", "on", "off", "real-time", "prevent", "detect", "inactive"),
    *("never", "or"),
    *("high", "medium", "low", NO_EVIDENCE.lower()),
    *MODULES,
    *(module.name for module in protection_modules.MODULES.values()),
)


def texts() -> Iterator[tuple[str | None, str | tuple[str, str]]]:
    """(context, text or its two forms) of everything that is said, except the sentence forms."""
    for path in sorted([*(ROOT / "reporter").glob("**/*.py"), *(ROOT / "templates").glob("**/*.j2")]):
        method = "python" if path.suffix == ".py" else "jinja2.ext.babel_extract"
        for _, said, _, _ in extract_from_file(method, path, keywords=KEYWORDS, options=OPTIONS, strip_comment_tags=False):
            yield None, said if isinstance(said, str) else (said[0], said[1])
    yield from (("state", state) for state in STATES)
    yield from (("check", check.title) for check in discover())
    yield from (("control", row.title) for row in mapping())
    yield from (("column", name) for name in workbook.heads())


def current(code: str) -> Catalog:
    """The file of a language as it is."""
    return read_po(BytesIO((FOLDER / f"{code}.po").read_bytes()), locale=code, abort_invalid=True)


def updated(code: str) -> Catalog:
    """The file of a language with exactly the texts that there are."""
    was = current(code)
    catalogue = Catalog(locale=code, project="workload-compliance-reporter", fuzzy=False)
    for context, text in dict.fromkeys(texts()):
        known = was.get(text, context)
        catalogue.add(text, known.string if known else "", context=context, flags=known.flags if known else ())
    for message in was:
        if message.context == "reason":
            catalogue.add(message.id, message.string, context="reason", flags=message.flags)
    return catalogue


def written(catalogue: Catalog) -> bytes:
    """A file of translations; the same texts give the same bytes."""
    out = BytesIO()
    write_po(out, catalogue, width=150, no_location=True, omit_header=True, sort_output=True)
    code = catalogue.locale_identifier
    head = f"""msgid ""
msgstr ""
"Project-Id-Version: workload-compliance-reporter\\n"
"Language: {code}\\n"
"MIME-Version: 1.0\\n"
"Content-Type: text/plain; charset=utf-8\\n"
"Content-Transfer-Encoding: 8bit\\n"
"Plural-Forms: {catalogue.plural_forms}\\n"

"""
    return head.encode() + out.getvalue()


if __name__ == "__main__":
    for path in sorted(FOLDER.glob("*.po")):
        path.write_bytes(written(updated(path.stem)))
        sys.stdout.write(f"{path}\n")
