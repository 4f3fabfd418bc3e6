"""A rule's own settings on one policy or computer: set to detect there, or as it comes.

Source: the vendor's OpenAPI, `/{computers,policies}/{id}/intrusionprevention/rules/{ruleID}`. Whether an answer with overrides=true has the ID is not
documented in one way, so a rule is asked for by its own path.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from reporter.actions.place import Place
from reporter.actions.rules import VIEW
from reporter.clients.hand import Hand

DETECT = {"detectOnly": True}


def path(place: Place, rule_id: int) -> str:
    return f"/{place.parent}/{place.id}/intrusionprevention/rules/{rule_id}"


def own(hand: Hand, place: Place, rule_ids: Iterable[int]) -> dict[int, dict[str, Any]]:
    """What is set there itself, by rule id; {} for a rule as it comes. Raises Denied, Unavailable."""
    wanted = sorted(rule_ids)
    reader = hand.wp(place.tenant)
    answers = reader.map(lambda rule_id: reader.get(path(place, rule_id), right=VIEW, overrides="true"), wanted)
    return {rule_id: {name: value for name, value in answer.items() if name != "ID"} for rule_id, answer in zip(wanted, answers, strict=True)}


def detecting(hand: Hand, place: Place, rule_ids: Iterable[int]) -> list[int]:
    """Those of the rules that only detect there, whoever set it. Raises Denied, Unavailable."""
    wanted = sorted(rule_ids)
    reader = hand.wp(place.tenant)
    answers = reader.map(lambda rule_id: reader.get(path(place, rule_id), right=VIEW), wanted)
    return [rule_id for rule_id, answer in zip(wanted, answers, strict=True) if answer.get("detectOnly") is not False]


def detect(hand: Hand, place: Place, rule_id: int) -> None:
    """Set the rule to detect there. Raises Denied, Refused, Uncertain."""
    hand.wp_write(place.tenant, "POST", path(place, rule_id), DETECT, right=place.right, repeatable=True)


def reset(hand: Hand, place: Place, rule_ids: Iterable[int]) -> list[int]:
    """Let those of the rules be as they come that are set to detect there and to nothing else. Returns them, sorted.

    May be called again. Raises Denied, Unavailable, Refused, Uncertain.
    """
    ours = [rule_id for rule_id, found in own(hand, place, rule_ids).items() if found == DETECT]
    for rule_id in ours:
        hand.wp_write(place.tenant, "DELETE", path(place, rule_id), right=place.right, repeatable=True)
    return ours
