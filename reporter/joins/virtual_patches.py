"""Virtual patches: one row per active package finding of Inspector, host it is on, and CVE (design sections 3 and 5).

A finding whose id is no CVE stands for its related CVEs, or is one `no_rule` row under the vendor's own id. An image on no host is `not_running`.
Nothing is dropped on either side: a finding on an instance that EC2 does not know is `unknown`. Not rows here: findings on Lambda functions and on
other things that no agent can stand on, and hosts outside the schedule's scope tag, which are counted as excluded.

A rule that is set to detect on one single computer is not seen (the API shows it one call a computer): such a host is shown as its policy has it.

A virtual patch is not a patch: `age_days` says since how many whole days the patch is outstanding.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from reporter.core.order import coded, in_order_of, looked_up, of_codes, rows_of
from reporter.core.records import records
from reporter.core.world import World
from reporter.joins.cves import Vulnerabilities, vulnerabilities
from reporter.joins.frames import alike, assemble, distinct_numbers, positions, spread, taken
from reporter.joins.hosts import IMAGE, INSTANCE, located, unseen_hosts
from reporter.joins.shields import STATES, Said, Setup, setup_of, shields
from reporter.tables.aws import EC2_INSTANCES
from reporter.tables.findings import INSPECTOR_FINDINGS
from reporter.tables.joined import INSTANCES, VIRTUAL_PATCHES
from reporter.tables.workload_protection import WP_COMPUTERS

_UNPROTECTED = ("unmanaged", "inactive")
_IMAGE = ["account", "region", "resource_id", "image_digest"]
_DAY = 86_400_000_000
"""in microseconds"""

Say = Callable[[Said], int]
"""What is said -> its code."""


@dataclass(frozen=True)
class Matched:
    """Every finding on every host it is on, once for each CVE: the rows of virtual_patches, in the order of ARNs."""

    places: pd.DataFrame
    """row in inspector_findings, account, region, instance_id, and where the host stands in instances (`at`): one for each finding and host"""
    place: np.ndarray
    """where each row stands in places"""
    cve: pd.Series
    state: pd.Series
    told: Callable[[], tuple[np.ndarray, list[Said]]]
    """for each row a code into the list of what is said of it"""


def join(world: World) -> dict[str, pd.DataFrame]:
    """Source tables and instances -> virtual_patches."""
    return {VIRTUAL_PATCHES.name: VIRTUAL_PATCHES.sort(table(world, match(world)))}


def match(world: World) -> Matched:
    """Which finding is on which host, by CVE, and in which state that leaves it."""
    findings = world.table(INSPECTOR_FINDINGS)
    places = _inside(world, located(world, findings, package_findings(findings)))
    return _judged(world, findings, places, vulnerabilities(findings, places["row"].to_numpy()))


def table(world: World, matched: Matched) -> pd.DataFrame:
    """Every declared column of virtual_patches for what was matched."""
    findings, instances, places = world.table(INSPECTOR_FINDINGS), world.table(INSTANCES), matched.places
    row = places["row"].to_numpy()[matched.place]
    at = places["at"].to_numpy()[matched.place]
    columns: dict[str, Any] = {name: rows_of(places[name], matched.place) for name in ("account", "region", "instance_id")}
    columns |= {name: taken(instances[name], at) for name in ("policy", "owner", "tenant")} | {"cve": matched.cve, "state": matched.state}
    said, words = matched.told()
    del places, matched, at  # there are millions of rows: what is done with goes before more is made
    _, identifiers, reasons = zip(*words, strict=True) if words else ((), (), ())
    columns |= {"rule_identifiers": _objects(identifiers).to_numpy()[said], "reason": taken(_objects(reasons), said)}
    del said
    for name in ("severity", "title", "fix_available", "exploit_available", "packages", "first_observed"):
        columns[name] = rows_of(findings[name], row)
    columns |= {"image": _images(findings, row), "finding_arn": rows_of(coded(findings["arn"]), row)}
    columns["age_days"] = pd.arrays.IntegerArray(_days(world, columns["first_observed"]), np.zeros(len(row), dtype=bool))
    return assemble(VIRTUAL_PATCHES, columns)


def package_findings(findings: pd.DataFrame) -> np.ndarray:
    """Where package findings on instances and images stand, by ARN."""
    wanted = ((findings["type"] == "PACKAGE_VULNERABILITY") & findings["resource_type"].isin([INSTANCE, IMAGE])).to_numpy(dtype=bool)
    order = in_order_of(coded(findings["arn"]))
    return np.asarray(order if wanted.all() else order[wanted[order]])


def _each_cve(found: Vulnerabilities) -> tuple[np.ndarray, np.ndarray]:
    """One entry for each place and CVE of its finding: which place, and the CVE's code."""
    times, code = found.count[found.kind], found.code[found.start]  # of the first CVE of each kind
    several = np.flatnonzero(times > 1)
    if not len(several):
        return np.arange(len(times)), code[found.kind]
    place = np.repeat(np.arange(len(times)), times)
    codes = code[found.kind][place]
    start = several + np.cumsum(times[several] - 1) - (times[several] - 1)  # of each run in what is made
    more = np.repeat(np.arange(len(several)), times[several])
    nth = np.arange(len(more)) - np.repeat(np.cumsum(times[several]) - times[several], times[several])
    codes[start[more] + nth] = found.code[found.start[found.kind[several]][more] + nth]
    return place, codes


def _images(findings: pd.DataFrame, row: np.ndarray) -> pd.Series:
    images = (findings["resource_type"] == IMAGE).to_numpy(dtype=bool)
    if not images.any():
        return of_codes(np.full(len(row), -1, dtype=np.int8), pd.Index([], dtype="str"))
    resources = coded(findings["resource_id"])
    return of_codes(np.where(images[row], resources.cat.codes.to_numpy()[row], -1), resources.cat.categories)


def _days(world: World, first_observed: pd.Series) -> np.ndarray:
    """Whole days since then, none if it is to come."""
    since = first_observed.dt.tz_localize(None).to_numpy().view(np.int64)
    days = pd.Timestamp(world.now).as_unit("us").asm8.astype(np.int64) - since
    days //= _DAY
    return np.asarray(np.maximum(days, 0, out=days))


def _inside(world: World, places: pd.DataFrame) -> pd.DataFrame:
    """Places without the hosts that are outside the scope tag; `at`: where the host stands in instances, -1 if it does not."""
    places = places.assign(at=positions(world.table(INSTANCES), places["account"], places["instance_id"]))
    strange = np.flatnonzero(places["at"] < 0)
    if not len(strange):
        return places
    machine = positions(world.table(EC2_INSTANCES), places["account"].take(strange), places["instance_id"].take(strange))
    outside = strange[machine >= 0]
    return places.drop(index=outside).reset_index(drop=True) if len(outside) else places


def _judged(world: World, findings: pd.DataFrame, places: pd.DataFrame, found: Vulnerabilities) -> Matched:
    """Pairs of what a place is to every CVE and a CVE are looked at once, however many findings they are of."""
    place, code = _each_cve(found)
    whole, setups, words = _whole(world, findings, places)
    # what a place is to every CVE, as a number from 0: its setup, or what is said of it; of one without a host after all others
    line = whole + len(setups) + np.where(places["instance_id"].notna(), 0, len(words))
    width, lines = max(len(found.names), 1), len(setups) + 2 * len(words)
    pairs = (line * width)[place] + code
    distinct = distinct_numbers(pairs, lines * width)
    line, name = np.divmod(distinct, width)
    homeless = line >= len(setups) + len(words)
    said = line - len(setups) - np.where(homeless, len(words), 0)
    said[~homeless & ~found.is_cve[name]] = len(words)
    words = [*words, ("no_rule", (), "the finding names no CVE, and IPS rules are known by CVE")]
    ruled = np.flatnonzero(said < 0)
    judged = shields(world, setups, -1 - said[ruled], name[ruled], list(found.names))
    texts = pd.Index(sorted({*STATES, *(state for state, _, _ in words)}), dtype="str")
    state = texts.get_indexer([state for state, _, _ in words]).astype(np.int8)[np.maximum(said, 0)]
    state[ruled] = texts.get_indexer(STATES).astype(np.int8)[judged.rank]

    def told() -> tuple[np.ndarray, list[Said]]:
        codes, more = judged.told()
        said[ruled] = codes + len(words)
        return spread(pairs, distinct, said.astype(np.int32), lines * width), words + more

    states = of_codes(spread(pairs, distinct, state, lines * width), texts)
    return Matched(places, place, of_codes(code, found.names), states, told)


def _whole(world: World, findings: pd.DataFrame, places: pd.DataFrame) -> tuple[np.ndarray, list[Setup], list[Said]]:
    """For each place: a code into the list of what is said of it whatever the CVE; or, where the rules decide, -1 - the number of its setup."""
    words: dict[Said, int] = {}

    def say(said: Said) -> int:
        return words.setdefault(said, len(words))

    of_instance, setups = _of_instances(world, say)
    at, hosted = places["at"].to_numpy(), places["instance_id"].notna().to_numpy()
    whole = looked_up(of_instance, at, 0)
    strange = np.flatnonzero(hosted & (at < 0))
    whole[strange] = _of_strangers(world, places[["account", "region"]].take(strange), say)
    homeless = np.flatnonzero(~hosted)
    whole[homeless] = _of_homeless(world, findings[_IMAGE].take(places["row"].to_numpy()[homeless]), say)
    return whole, setups, list(words)


def _of_instances(world: World, say: Say) -> tuple[np.ndarray, list[Setup]]:
    """For each row of instances: what is said of it whatever the CVE, or -1 - the number of its setup. What looks alike is looked at once."""
    instances, computers = world.table(INSTANCES), world.table(WP_COMPUTERS)
    computer = _computers(instances, computers)
    asked, sent = computers["last_policy_request"], computers["last_policy_success"]
    waits = asked.notna() & (sent.isna() | (sent < asked))
    lists = pd.factorize(np.fromiter(map(id, computers["ips_rule_ids"].to_numpy()), dtype=np.int64, count=len(computers)))[0]
    of_computer = [looked_up(codes, computer, -1) for codes in (waits.to_numpy(dtype=np.int64), lists)]
    told = [pd.factorize(instances[name])[0] for name in ("protection", "tenant", "policy_id", "intrusion_prevention")]
    kinds, first = alike([*told, *of_computer])
    computer = computer[first]
    machines = records(computers[["ips_rule_ids", "last_policy_request", "last_policy_success"]].take(computer[computer >= 0]))
    machine = iter(machines)
    setups: dict[Setup, int] = {}
    codes = np.zeros(len(first), dtype=np.int64)
    wanted = ["protection", "tenant", "policy_id", "intrusion_prevention"]
    for number, instance in enumerate(records(instances[wanted].take(first))):
        mine = next(machine) if computer[number] >= 0 else None
        said = _of_instance(world, instance, mine)
        codes[number] = say(said) if said else -1 - setups.setdefault(setup_of(instance, mine), len(setups))
    return codes[kinds], list(setups)


def _computers(instances: pd.DataFrame, computers: pd.DataFrame) -> np.ndarray:
    """Where the computer of each instance stands among the computers; -1: it is not among those read."""
    tenants = pd.Index(computers["tenant"].unique())

    def keys(frame: pd.DataFrame) -> np.ndarray:
        tenant = tenants.get_indexer(pd.Index(frame["tenant"]))
        return np.where(tenant < 0, -1, frame["computer_id"].to_numpy(dtype=np.int64, na_value=-1) * len(tenants) + tenant)

    own = pd.Series(keys(computers)).drop_duplicates(keep="last")
    at = pd.Index(own.to_numpy()).get_indexer(keys(instances))
    return looked_up(own.index.to_numpy(), at, -1)


def _of_instance(world: World, instance: Any, computer: Any | None) -> Said | None:
    """What holds for every CVE on an instance, before any rule is looked at."""
    if instance.protection == "unknown":
        return ("unknown", (), "the protection of the instance is not known")
    if instance.protection in _UNPROTECTED:
        return ("unprotected", (), f"the instance is {instance.protection}")
    unread = [source for source in ("wp_rules", "wp_policies") if not world.tenant_read(instance.tenant, source)]
    if unread:
        return ("unknown", (), f"{' and '.join(unread)} of tenant {instance.tenant} could not be read")
    return None if computer is not None else ("unknown", (), "its computer is not among those read")


def _of_homeless(world: World, findings: pd.DataFrame, say: Say) -> np.ndarray:
    """For findings of images without a host: not running, or (where hosts may be hidden) unknown. An image is looked at once."""
    kinds, first = alike([coded(findings[name]).cat.codes.to_numpy() for name in _IMAGE])
    images = findings.take(first).astype("object")
    causes = unseen_hosts(world, images.where(images.notna(), None))
    running = ("not_running", (), "no running task on a container host has this image")
    codes = [say(("unknown", (), cause) if cause else running) for cause in causes]
    return np.asarray(np.array(codes, dtype=np.int64)[kinds])


def _of_strangers(world: World, places: pd.DataFrame, say: Say) -> np.ndarray:
    """Instances that a finding or a container instance names and the instances table does not have."""
    kinds, first = alike([places[name].cat.codes.to_numpy() for name in ("account", "region")])
    codes = [say(_stranger(world, account, region)) for account, region in places.take(first).astype("object").to_numpy()]
    return np.asarray(np.array(codes, dtype=np.int64)[kinds])


def _stranger(world: World, account: str, region: str) -> Said:
    read = world.read("ec2", account, region)
    return ("unknown", (), "EC2 does not know the instance" if read else f"EC2 in {account} {region} was not read")


def _objects(values: Sequence[Any]) -> pd.Series:
    boxed = np.empty(len(values), dtype=object)
    boxed[:] = values
    return pd.Series(boxed, copy=False)
