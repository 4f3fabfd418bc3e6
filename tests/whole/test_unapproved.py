"""A plan that is stale, edited, expired or not approved is never applied: whatever is changed in a stored run, in its approval, or on the clock."""

from __future__ import annotations

import copy
import json
import shutil
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import HealthCheck, assume, given
from hypothesis import strategies as some

from reporter.approving import standing_approval
from reporter.clients.store import FolderStore
from reporter.core.change import Change
from reporter.core.clock import iso
from reporter.core.errors import ReporterError, ScheduleError
from reporter.evidence.key import LocalSigner, open_signer
from reporter.evidence.seal import Seal, seal, write_sums
from reporter.history.stored import read_plan, read_run
from reporter.propose import changes_of, digest, plan
from reporter.run import apply_plan
from reporter.state.approvals import Approval, approve
from tests.actions.hands import NOW
from tests.examples import examples
from tests.whole.bench import Bench, benches

LATER = NOW + timedelta(hours=1)
JOB, PERSON = "arn:aws:iam::111122223333:role/job", "arn:aws:iam::111122223333:user/ada"
often = examples(40, HealthCheck.function_scoped_fixture)
Json = Any

texts = some.text(max_size=8) | some.sampled_from(["main/policy/9", "\ud800", "2026-11-24T03:00:00Z", "9999-01-01T00:00:00Z", "a" * 64])
values = some.recursive(
    some.none() | some.booleans() | some.integers(-5, 400) | some.floats(allow_nan=False) | texts,
    lambda inner: some.lists(inner, max_size=3) | some.dictionaries(texts, inner, max_size=3),
    max_leaves=5,
)


@dataclass(frozen=True)
class Pack:
    """A stored run with a plan that a person approved, as the chain sealed it; `copy` makes one to be spoilt."""

    out: Path

    @property
    def run(self) -> Path:
        return self.out / "run-000001"

    @property
    def approval(self) -> Path:
        return self.out / ".state" / "approvals" / f"{read_plan(self.run)['hash']}.json"

    @property
    def store(self) -> FolderStore:
        return FolderStore(self.out / ".state")

    def copy(self, place: Path) -> Pack:
        if place.exists():
            shutil.rmtree(place)
        shutil.copytree(self.out, place)
        return Pack(place)

    def write(self, said: Json) -> None:
        (self.run / "plan.json").write_text(json.dumps(said), encoding="utf-8")

    def allowed(self, now: datetime = LATER) -> tuple[Approval, Sequence[Change]]:
        """What is asked before any door is opened, as apply_plan asks it."""
        was, said = read_run(self.run), read_plan(self.run)
        changes = changes_of(said, "plan.json")
        return standing_approval(self.run, was, said, self.store, now), changes


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    with benches(tmp_path_factory.mktemp("unapproved")) as running:
        yield running


@pytest.fixture(scope="module")
def whole(bench: Bench, tmp_path_factory: pytest.TempPathFactory) -> Pack:
    pack = Pack(tmp_path_factory.mktemp("whole") / "out")
    pack.run.mkdir(parents=True)
    schedule = bench.schedule()
    said = plan("main-000001", bench.plan(), {"assign_ips_rule": "plan"}, NOW, JOB, schedule)
    pack.write(said)
    told = {"id": "main-000001", "start": iso(NOW), "endpoint_override": "", "identity": JOB, "schedule": json.loads(schedule.model_dump_json())}
    (pack.run / "run.json").write_text(json.dumps(told), encoding="utf-8")
    seal(pack.run, _facts(), open_signer(schedule.evidence, pack.out))
    approve(pack.store, Approval(str(said["hash"]), "main-000001", "Ada", PERSON, iso(NOW), str(said["expires"]), self_approved=False))
    return pack


@pytest.fixture
def spoilt(whole: Pack, tmp_path: Path) -> Callable[[], Pack]:
    """A fresh copy, to be spoilt."""
    return lambda: whole.copy(tmp_path / "out")


def _facts() -> Seal:
    return Seal("main", 1, "main-000001", NOW, "0.0.0")


def refused(pack: Pack, now: datetime = LATER) -> str:
    with pytest.raises(ScheduleError) as told:
        pack.allowed(now)
    return str(told.value)


def edited(draw: Callable[[some.SearchStrategy[Any]], Any], value: Json) -> Json:
    """The value with one thing in it changed, added or taken away, at any depth."""
    changed = copy.deepcopy(value)
    at = changed
    while True:
        keys = list(at) if isinstance(at, dict) else list(range(len(at)))
        if not keys:
            break
        key = draw(some.sampled_from(keys))
        if isinstance(at[key], dict | list) and at[key] and draw(some.integers(0, 3)):
            at = at[key]
            continue
        if draw(some.booleans()):
            at[key] = draw(values)
        else:
            del at[key]
        return changed
    return changed


def same(one: Json, other: Json) -> bool:
    return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)


def resealed(pack: Pack, key: ec.EllipticCurvePrivateKey) -> None:
    seal(pack.run, _facts(), LocalSigner(key, "a key of somebody else"))


COVERED = ("nothing", "hash", "sums", "seal")
"""how far an edit is covered up: the plan's hash, the list of files, a seal with another key"""


def cover(pack: Pack, said: Json, how: str) -> None:
    """Hide the edit; the edited plan has an approval of its own then."""
    if how != "nothing" and isinstance(said, dict):
        said = {**said, "hash": _digest(said)}
        made = Approval(said["hash"], "main-000001", "Ada", PERSON, iso(NOW), iso(NOW + timedelta(hours=24)), self_approved=False)
        approve(pack.store, made)
    pack.write(said)
    if how in ("sums", "seal"):
        write_sums(pack.run)
    if how == "seal":
        resealed(pack, ec.generate_private_key(ec.SECP256R1()))


def _digest(said: dict[str, Any]) -> str:
    try:
        return digest(said)
    except UnicodeEncodeError:  # half a character has no bytes, and no hash
        return "0" * 64


def test_the_plan_that_was_approved_may_be_applied(whole: Pack) -> None:
    approval, changes = whole.allowed()
    assert (approval.by, len(changes)) == ("Ada", 7)


@given(data=some.data(), how=some.sampled_from(COVERED))
@often
def test_a_plan_that_was_edited_anywhere_is_refused(spoilt: Callable[[], Pack], data: some.DataObject, how: str) -> None:
    pack = spoilt()
    before = read_plan(pack.run)
    said = edited(data.draw, before)
    cover(pack, said, how)
    assume(not same(json.loads((pack.run / "plan.json").read_text(encoding="utf-8")), before))
    refused(pack)


@given(data=some.data(), name=some.sampled_from(["plan.json", "run.json", "SHA256SUMS", "SEAL.txt", "SEAL.txt.sig"]))
@often
def test_a_pack_with_another_byte_is_refused(spoilt: Callable[[], Pack], data: some.DataObject, name: str) -> None:
    pack = spoilt()
    path = pack.run / name
    old = path.read_bytes()
    at, length = data.draw(some.integers(0, len(old) - 1)), data.draw(some.integers(0, 3))
    new = old[:at] + data.draw(some.binary(max_size=3)) + old[at + length :]
    assume(new != old)
    path.write_bytes(new)
    with pytest.raises(ReporterError):
        pack.allowed()


@given(name=some.sampled_from(["notes.txt", "raw/more.json", ".hidden"]))
@examples(3, HealthCheck.function_scoped_fixture)
def test_a_pack_with_another_file_is_refused(spoilt: Callable[[], Pack], name: str) -> None:
    pack = spoilt()
    (pack.run / name).parent.mkdir(exist_ok=True)
    (pack.run / name).write_text("more", encoding="utf-8")
    assert "files added" in refused(pack)


@given(data=some.data())
@often
def test_an_approval_that_was_edited_is_of_this_plan_and_of_now_or_is_refused(spoilt: Callable[[], Pack], data: some.DataObject) -> None:
    pack = spoilt()
    before = json.loads(pack.approval.read_bytes())
    said = edited(data.draw, before)
    assume(not same(said, before))
    place = pack.approval
    place.write_text(json.dumps(said), encoding="utf-8")
    try:
        approval, _ = pack.allowed()
    except ReporterError:
        return
    assert (approval.plan, approval.valid(LATER)) == (before["plan"], True)
    assert set(said) == set(before)


@given(offset=some.timedeltas(-timedelta(days=3), timedelta(days=3)))
@often
def test_the_clock_decides_whether_an_approval_holds(whole: Pack, offset: timedelta) -> None:
    now = NOW + offset
    if timedelta(0) <= offset < timedelta(hours=24):
        whole.allowed(now)
    else:
        refused(whole, now)


def unapproved(pack: Pack) -> None:
    pack.approval.unlink()


def approved_for_another(pack: Pack) -> None:
    said = read_plan(pack.run)
    pack.approval.unlink()
    approve(pack.store, Approval("b" * 64, "main-000001", "Ada", PERSON, iso(NOW), str(said["expires"]), self_approved=False))


def approved_tomorrow(pack: Pack) -> None:
    said = json.loads(pack.approval.read_bytes())
    pack.approval.write_text(json.dumps({**said, "at": iso(NOW + timedelta(hours=5))}), encoding="utf-8")


def approval_expired(pack: Pack) -> None:
    said = json.loads(pack.approval.read_bytes())
    pack.approval.write_text(json.dumps({**said, "expires": iso(NOW)}), encoding="utf-8")


def larger(pack: Pack) -> None:
    said = read_plan(pack.run)
    said["changes"][2]["facts"]["limits"]["max_computers"] = 10**6
    cover(pack, said, "nothing")


def larger_and_hashed(pack: Pack) -> None:
    said = read_plan(pack.run)
    said["changes"][2]["facts"]["limits"]["max_computers"] = 10**6
    cover(pack, said, "sums")


def larger_and_sealed(pack: Pack) -> None:
    said = read_plan(pack.run)
    said["changes"][2]["facts"]["limits"]["max_computers"] = 10**6
    cover(pack, said, "seal")


def fresher(pack: Pack) -> None:
    cover(pack, {**read_plan(pack.run), "expires": iso(NOW + timedelta(days=9))}, "hash")


def of_another_schedule(pack: Pack) -> None:
    said = json.loads((pack.run / "run.json").read_text(encoding="utf-8"))
    said["schedule"]["actions"]["assign_ips_rule"]["limit"] = 10_000
    (pack.run / "run.json").write_text(json.dumps(said), encoding="utf-8")


def of_another_server_and_sealed_by_a_key_of_its_own(pack: Pack) -> None:
    """Who can write the run folder names the key in run.json, and seals again with it: the approved plan still is of the schedule it was made by."""
    key = ec.generate_private_key(ec.SECP256R1())
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (pack.run / "own.pem").write_bytes(pem)
    said = json.loads((pack.run / "run.json").read_text(encoding="utf-8"))
    said["schedule"]["evidence"]["key"] = f"file:{pack.run / 'own.pem'}"
    said["schedule"]["workload_protection"][0]["url"] = "https://elsewhere.example.com/api"
    (pack.run / "run.json").write_text(json.dumps(said), encoding="utf-8")
    resealed(pack, key)
    assert "not the one its plan was made by" in refused(pack)


def gone(pack: Pack) -> None:
    (pack.run / "plan.json").unlink()


SPOILT = [
    (unapproved, LATER),
    (approved_for_another, LATER),
    (approved_tomorrow, LATER),
    (approval_expired, LATER),
    (larger, LATER),
    (larger_and_hashed, LATER),
    (larger_and_sealed, LATER),
    (fresher, NOW + timedelta(days=2)),
    (of_another_schedule, LATER),
    (of_another_server_and_sealed_by_a_key_of_its_own, LATER),
    (gone, LATER),
    (lambda _: None, NOW + timedelta(hours=24)),
    (lambda _: None, NOW - timedelta(seconds=1)),
]


@pytest.mark.parametrize(("spoil", "now"), SPOILT, ids=lambda value: getattr(value, "__name__", None))
def test_nothing_is_written_anywhere_for_a_plan_that_may_not_be_applied(
    bench: Bench, spoilt: Callable[[], Pack], spoil: Callable[[Pack], None], now: datetime
) -> None:
    pack = spoilt()
    spoil(pack)
    there = sorted(path.relative_to(pack.out) for path in pack.out.rglob("*"))
    bench.start_over()
    start = bench.holds()
    with pytest.raises(ScheduleError):
        apply_plan(pack.run, now)
    assert (bench.effects(), bench.mails(), bench.holds()) == (Counter(), [], start)
    assert [call for call in bench.state.calls if call["write"]] == []
    assert sorted(path.relative_to(pack.out) for path in pack.out.rglob("*")) == there
