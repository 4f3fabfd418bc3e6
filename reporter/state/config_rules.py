"""What a chain keeps for AWS Config, which asks by its own clock: what was last seen of each account and region, and whether Config was told to ask.

`config/answers/<chain>/<account>/<region>/<instant>.json.gz`: what was seen at an instant; the two newest are kept, for whoever is reading.
`config/asked/<run>.json`: what became of telling Config, place by place; `<run>.begun.json` before it: without the first nobody knows. The newest
run's are kept.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from reporter.clients.store import Store
from reporter.core.clock import iso, parse
from reporter.core.errors import ReporterError
from reporter.core.evaluation import Answers, Said
from reporter.core.result import Status
from reporter.state.deliveries import Delivery, DeliveryState

ANSWERS, ASKED = "config/answers/", "config/asked/"
KEPT = 2
_KIND = "config_rules"
_BEGUN, _ENDED = ".begun.json", ".json"
_CUT_OFF = "the run ended while AWS Config was told to ask: some rules were started, others ask by their own clock"


def keep(store: Store, chain: str, answers: Answers) -> None:
    """Durable when this returns; older ones are removed. Raises ReporterError."""
    folder = _folder(chain, answers.account, answers.region)
    store.create(f"{folder}{iso(answers.read_at)}.json.gz", gzip.compress(json.dumps(_written(answers)).encode(), mtime=0))
    for old in store.names(folder)[:-KEPT]:
        store.remove(old)


def newest(store: Store, chain: str, account: str, region: str) -> Answers | None:
    """What was last seen there; None: nothing, or nothing that can be read. Raises ReporterError."""
    names = store.names(_folder(chain, account, region))
    data = store.read(names[-1]) if names else None
    if data is None:
        return None
    try:
        return _read(json.loads(gzip.decompress(data)))
    except (OSError, EOFError, ValueError, KeyError, TypeError, AttributeError):
        return None  # whoever asks has to look


def begin(store: Store, run: str) -> None:
    """Before Config is told. Raises ReporterError."""
    store.create(f"{ASKED}{run}{_BEGUN}", b"{}")


def asked(store: Store, run: str, deliveries: Iterable[Delivery]) -> None:
    """What became of it. Raises ReporterError."""
    said = [
        {"name": one.name, "to": one.recipient, "state": one.state.value, "at": iso(one.at) if one.at else None, "message": one.message}
        for one in deliveries
    ]
    store.create(f"{ASKED}{run}{_ENDED}", json.dumps(said, ensure_ascii=False).encode())


def received(store: Store, run: str, deliveries: tuple[Delivery, ...]) -> tuple[Delivery, ...]:
    """As `asked` keeps them; that the state keeps nothing of them, or more than it is to, is said in each message."""
    try:
        asked(store, run, deliveries)
    except ReporterError as error:
        return tuple(replace(one, message=f"{one.message}; the state has no receipt of it: {error.what}") for one in deliveries)
    try:
        _forget_older(store, run)
    except ReporterError as error:
        return tuple(replace(one, message=f"{one.message}; receipts of older runs stay in the state: {error.what}") for one in deliveries)
    return deliveries


def _forget_older(store: Store, run: str) -> None:
    """Of runs of the chain before this one."""
    chain = run.rpartition("-")[0]
    for name in store.names(f"{ASKED}{chain}-"):
        other = name.removeprefix(ASKED).removesuffix(_ENDED).removesuffix(".begun")
        if other.rpartition("-")[0] == chain and other < run:
            store.remove(name)


def last_asked(store: Store, chain: str) -> list[Delivery]:
    """What became of telling Config after the newest run that did. Raises ReporterError."""
    names = store.names(f"{ASKED}{chain}-")
    runs = {name.removeprefix(ASKED).removesuffix(_ENDED).removesuffix(".begun") for name in names}
    run = max((run for run in runs if run.rpartition("-")[0] == chain), default="")
    if not run:
        return []
    data = store.read(f"{ASKED}{run}{_ENDED}")
    if data is None:
        return [Delivery(run, "rules", "AWS Config", DeliveryState.UNKNOWN, None, _CUT_OFF, _KIND)]
    try:
        return [_delivery(run, one) for one in json.loads(data)]
    except (ValueError, KeyError, TypeError) as error:
        message = f"its record in the state cannot be read: {type(error).__name__}"
        return [Delivery(run, "rules", "AWS Config", DeliveryState.UNKNOWN, None, message, _KIND)]


def _delivery(run: str, said: Any) -> Delivery:
    at = parse(said["at"]) if said["at"] else None
    return Delivery(run, str(said["name"]), str(said["to"]), DeliveryState(said["state"]), at, str(said["message"]), _KIND)


def _folder(chain: str, account: str, region: str) -> str:
    return f"{ANSWERS}{chain}/{account}/{region}/"


def _written(answers: Answers) -> dict[str, Any]:
    said = {check: {name: [one.status.value, one.text] for name, one in some.items()} for check, some in answers.said.items()}
    return {
        "account": answers.account,
        "region": answers.region,
        "run": answers.run,
        "read_at": iso(answers.read_at),
        "seal": answers.seal,
        "said": said,
        "listed": answers.listed,
        "outside": sorted(answers.outside),
        "causes": dict(answers.causes),
    }


def _read(said: Any) -> Answers:
    return Answers(
        account=str(said["account"]),
        region=str(said["region"]),
        run=str(said["run"]),
        read_at=parse(said["read_at"]),
        seal=str(said["seal"]),
        said={
            str(check): {str(name): Said(Status(status), str(text)) for name, (status, text) in some.items()} for check, some in said["said"].items()
        },
        listed=said["listed"] is True,
        outside=frozenset(str(name) for name in said["outside"]),
        causes={str(check): str(cause) for check, cause in said["causes"].items()},
    )
