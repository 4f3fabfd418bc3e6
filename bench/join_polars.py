"""The same join as one writes it with polars: the distinct pairs of host setup and CVE are judged, then joined back to the findings."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl

from bench.join_columns import COLUMNS, RANKS

EXACT = ["vulnerability", "exploit", "smart", "custom"]
SETUP = ["list", "policy_id", "intrusion_prevention", "hindered", "bare"]
"""what makes two hosts equal for every CVE"""


def read(folder: Path) -> dict[str, Any]:
    """The stored tables. Lists of rule ids are numbered here, so that equal lists are exploded once."""
    tables = {name: pl.read_parquet(folder / "tables" / f"{name}.parquet", columns=columns) for name, columns in COLUMNS.items()}
    computers = tables["wp_computers"]
    lists = computers.select("ips_rule_ids").unique().with_row_index("list")
    joined = computers["ips_rule_ids"].cast(pl.List(pl.String)).list.join(",")
    known = lists.select("list", text=pl.col("ips_rule_ids").cast(pl.List(pl.String)).list.join(","))
    tables["wp_computers"] = computers.with_columns(text=joined).join(known, on="text", how="left").drop("text", "ips_rule_ids")
    tables["on_agent"] = lists.explode("ips_rule_ids").rename({"ips_rule_ids": "rule_id"}).with_columns(own=pl.lit(value=True))
    return tables


def join(tables: dict[str, Any]) -> Any:
    """State of each finding on its host, by finding and CVE."""
    own = pl.col("vulnerability_id").str.starts_with("CVE-")
    findings = tables["inspector_findings"].lazy()
    single = findings.filter(own).select("arn", "account", "resource_id", cve="vulnerability_id")
    several = findings.filter(~own).select("arn", "account", "resource_id", cve="related_ids").explode("cve")
    hosts = tables["instances"].lazy().join(tables["wp_computers"].lazy(), on=["account", "instance_id", "computer_id"], how="left")
    late = (pl.col("last_policy_success") < pl.col("last_policy_request")).fill_null(value=False)
    hosts = hosts.with_columns(
        hindered=(pl.col("protection") == "offline") | late, bare=pl.col("protection").is_in(["unmanaged", "inactive"])
    ).collect()
    setups = hosts.select(SETUP).unique().with_row_index("setup")
    numbered = hosts.join(setups, on=SETUP, how="left", nulls_equal=True).select("account", "setup", resource_id="instance_id")
    rows = pl.concat([single, several]).join(numbered.lazy(), on=["account", "resource_id"], how="left").collect()
    pairs = rows.lazy().select("setup", "cve").unique().join(setups.lazy(), on="setup")
    judged = _judged(tables, pairs)
    return rows.lazy().join(judged, on=["setup", "cve"], how="left").collect()["state"]


def _judged(tables: dict[str, Any], pairs: Any) -> Any:
    exact = pl.col("type").is_in(EXACT) & (pl.col("cves").list.len() <= 10)
    rules = tables["wp_rules"].lazy().with_columns(exact=exact).explode("cves").select("rule_id", "exact", "detect_only", cve="cves")
    assigned = tables["wp_policies"].lazy().explode("ips_rule_ids").select("policy_id", rule_id="ips_rule_ids", assigned=pl.lit(value=True))
    softened = tables["wp_policy_rules"].lazy().rename({"detect_only": "softened"})
    named = pairs.join(rules, on="cve").join(tables["on_agent"].lazy(), on=["list", "rule_id"], how="left")
    named = named.join(assigned, on=["policy_id", "rule_id"], how="left").join(softened, on=["policy_id", "rule_id"], how="left")
    own, works = pl.col("own").is_not_null(), ~pl.col("hindered")
    detects = pl.coalesce("softened", "detect_only")
    rank = (
        pl.when(~pl.col("exact")).then(4)
        .when(own & works & (pl.col("intrusion_prevention") == "prevent") & ~detects).then(0)
        .when(own & works).then(1)
        .when(own | pl.col("assigned").is_not_null()).then(2)
        .otherwise(3)
    )  # fmt: skip
    best = named.group_by("setup", "cve").agg(rank=rank.min())
    word = pl.col("rank").fill_null(5).replace_strict(dict(enumerate(RANKS)))
    state = pl.when(pl.col("bare")).then(pl.lit("unprotected")).otherwise(word).cast(pl.Categorical)
    return pairs.join(best, on=["setup", "cve"], how="left").select("setup", "cve", state=state)
