"""What a WP computer says of itself, put into this product's words. No tables here: one computer in, words out."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from reporter.core.clock import iso
from reporter.core.modules import MODULES

UNKNOWN, UNMANAGED, INACTIVE, OFFLINE, NO_POLICY, PROTECTED = "unknown", "unmanaged", "inactive", "offline", "no_policy", "protected"
RUNNING_WORDS = frozenset({"active", "warning"})
STOPPED_WORDS = frozenset({"inactive", "error", "not-supported"})


def protection(computer: Any, now: datetime, max_age: timedelta) -> str:
    """The first state of design section 3 that holds for a computer that was found (a row of wp_computers).

    An agent word that this version does not know, on a computer that is otherwise well, is `unknown`: neither a pass nor a fail.
    """
    if computer.agent_status in ("inactive", "not-supported") or not computer.has_agent:
        return INACTIVE
    if computer.agent_status == "error" or _says_offline(computer) or _is_old(computer, now, max_age):
        return OFFLINE
    if computer.policy_id is None:
        return NO_POLICY
    return PROTECTED if computer.agent_status in RUNNING_WORDS else UNKNOWN


def module_word(state: str | None, status: str | None) -> str | None:
    """Configured state and reality of a protection module -> what is true of it.

    off: not wanted; the state's own word: wanted and running; inactive: wanted, not running; None: one of the two was not told, or in a word that
    this version does not know.
    """
    if state is None or state == "off":
        return state
    if status in RUNNING_WORDS:
        return state
    return "inactive" if status in STOPPED_WORDS else None


def conditions(computer: Any, others: tuple[tuple[int, str], ...], now: datetime, max_age: timedelta) -> tuple[str, ...]:
    """What needs attention, derived from agent and module status, because WP has no alert call in v1. `others`: (id, tenant) of duplicates."""
    found = []
    if computer.agent_status in ("warning", "error"):
        found.append(f"agent in {computer.agent_status}{_words('; '.join(computer.agent_messages))}")
    elif _says_offline(computer):
        found.append(f"agent offline{_words('; '.join(computer.agent_messages))}")
    for module in MODULES:
        state, status = getattr(computer, f"{module}_state"), getattr(computer, f"{module}_status")
        if module_word(state, status) == "inactive":
            found.append(f"{module} is set to {state} but does not run{_words(getattr(computer, f'{module}_message'))}")
        elif module_word(state, status) not in (None, "off") and status == "warning":
            found.append(f"{module} runs with a warning{_words(getattr(computer, f'{module}_message'))}")
    if computer.update_status in ("warning", "error"):
        found.append(f"security update in {computer.update_status}{_words(computer.update_message)}")
    if others:
        found.append("further computers for this instance: " + ", ".join(f"{number} ({tenant})" for number, tenant in others))
    if computer.has_agent and _is_old(computer, now, max_age):
        found.append("agent was never in contact" if computer.last_contact is None else f"last contact {iso(computer.last_contact)}")
    return tuple(found)


def _words(said: str | None) -> str:
    return f": {said}" if said else ""


def _says_offline(computer: Any) -> bool:
    return any("offline" in str(message).lower() for message in computer.agent_messages)


def _is_old(computer: Any, now: datetime, max_age: timedelta) -> bool:
    return computer.last_contact is None or now - computer.last_contact > max_age
