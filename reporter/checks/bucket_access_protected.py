"""Is every instance protected that can reach a bucket for which Macie raised an alert?

Why: who takes over an instance has its role, and with the role the bucket; a bucket with sensitive data is as safe as the weakest
instance that can read it.

Limits: paths are worked out from policies, not from traffic. A condition or a policy that could not be read keeps a path open (conditional), and
makes the answer UNKNOWN. Instances that do not run are left out; roles that nothing runs as do not count, unless it could not be read what
runs in their account.

Source: open Macie findings that are no samples; IAM roles and their policies, bucket policies, instance profiles, ECS tasks.
"""

from __future__ import annotations

import pandas as pd

from reporter.core.check import VERDICTS, Check, Need, Span
from reporter.core.reading import unread
from reporter.core.result import Severity, Status
from reporter.core.scope import GLOBAL
from reporter.core.verdicts import digits, first_case, quantities, resting, severity_of_rank, severity_rank, verdicts, words, young
from reporter.core.world import World
from reporter.tables.findings import MACIE_FINDINGS
from reporter.tables.joined import BUCKET_ACCESS, INSTANCES

_NAMED = 3
_RUNS = (Need("ec2", Span.ACCOUNT), Need("ecs", Span.ACCOUNT))


def judge(world: World) -> pd.DataFrame:
    """One row per bucket with an open alert, in the region of the alert."""
    buckets = _alerted(world)
    if buckets.empty:
        return VERDICTS.frame()
    paths = _paths(world)
    for name in ("weak", "unsure", "sound"):
        found = paths.loc[paths["kind"] == name].drop_duplicates(["bucket", "who"]).sort_values("who")
        listed = found.groupby("bucket")["who"].agg([("text", _list), ("count", "size")]).add_prefix(f"{name}_")
        buckets = buckets.merge(listed, left_on="bucket", right_index=True, how="left")
        buckets[f"{name}_count"] = buckets[f"{name}_count"].fillna(0).astype("int64")
    weak, unsure, sound = (buckets[f"{name}_count"] for name in ("weak", "unsure", "sound"))
    status, reason = first_case(
        buckets,
        [
            (
                weak > 0,
                Status.FAIL,
                quantities(weak, "unprotected instance", "unprotected instances") + " can reach it: " + words(buckets["weak_text"]),
            ),
            (
                unsure > 0,
                Status.UNKNOWN,
                quantities(unsure, "path is open", "paths are open")
                + ", or the protection at the end is not known: "
                + words(buckets["unsure_text"]),
            ),
            (sound > 0, Status.PASS, quantities(sound, "instance", "instances") + " can reach it, all protected"),
            (sound == 0, Status.PASS, "no running instance can reach it through its role"),
        ],
    )
    observed = digits(weak) + " unprotected, " + digits(unsure) + " open, " + digits(sound) + " protected"
    severity = severity_of_rank(buckets["rank"])
    expected = "every instance that can reach the bucket is protected"
    return verdicts(buckets, resource="bucket", status=status, reason=reason, observed=observed, expected=expected, severity=severity)


def _alerted(world: World) -> pd.DataFrame:
    """bucket, account, region and the rank of the worst alert."""
    alerts = world.table(MACIE_FINDINGS)
    alerts = alerts.loc[~alerts["archived"].astype(bool) & ~alerts["sample"].astype(bool)].copy()
    alerts["bucket"] = alerts["bucket_arn"].fillna("arn:aws:s3:::" + alerts["bucket_name"])
    alerts["rank"] = severity_rank(alerts["severity"])
    alerts = alerts.loc[alerts["bucket"].notna()]
    return alerts.sort_values(["rank"], kind="stable").drop_duplicates(["bucket", "account", "region"])[["bucket", "account", "region", "rank"]]


def _paths(world: World) -> pd.DataFrame:
    """Paths that end, or may end, at a running instance: each weak (unprotected), unsure or sound. `who`: the instance, or what stands for it."""
    paths = world.table(BUCKET_ACCESS)
    instances = world.table(INSTANCES)
    instances = instances.assign(rests=resting(instances), young=young(world, instances))
    instances = instances[["account", "instance_id", "rests", "young"]].drop_duplicates(["account", "instance_id"])
    instances = instances.rename(columns={"account": "instance_account"})
    paths = paths.merge(instances, on=["instance_account", "instance_id"], how="left", validate="many_to_one")
    paths = paths.loc[~paths["rests"].eq(other=True)].copy()
    protected = paths["protection"] == "protected"
    seen = paths["protection"].notna() & (paths["protection"] != "unknown")
    settled = (paths["decision"] == "allowed") & seen & ~(paths["young"].eq(other=True) & ~protected)
    paths["kind"] = pd.Series("unsure", index=paths.index, dtype="object").mask(settled & protected, "sound").mask(settled & ~protected, "weak")
    paths["who"] = paths["instance_id"].fillna("instances that run as " + paths["role_arn"])
    return paths.loc[paths["instance_id"].notna() | _may_run(world, paths)]


def _may_run(world: World, paths: pd.DataFrame) -> pd.Series:
    """Paths without an instance that may have one: they stand for a whole account, or the instances of the role's account were not all read."""
    whole = paths["role_arn"].str.endswith(":root")
    accounts = paths["role_arn"].str.split(":").str[4]
    unseen = [account for account in sorted(accounts.unique()) if unread(world, _RUNS, account, GLOBAL)]
    return whole | accounts.isin(unseen)


def _list(instance_ids: pd.Series) -> str:
    names = list(instance_ids)
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more


CHECK = Check(
    id="bucket_access_protected",
    title="Instances that can reach sensitive (Macie) buckets are protected",
    severity=Severity.HIGH,
    population=("macie",),
    needs=(Need("s3"), Need("iam"), *_RUNS, Need("wp_computers")),
    judge=judge,
    vanishes="Macie no longer lists an open alert on it: that may be archived, or deleted by age; the access itself was not judged",
)
