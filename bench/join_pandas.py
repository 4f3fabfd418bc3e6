"""The same join as one writes it first in pandas: explode, merge with the hosts, merge with the rules, group by finding."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from bench.join_columns import COLUMNS, RANKS


def read(folder: Path) -> dict[str, pd.DataFrame]:
    """The stored tables. Lists of rule ids are numbered here, so that equal lists are exploded once."""
    tables = {name: pd.read_parquet(folder / "tables" / f"{name}.parquet", columns=columns) for name, columns in COLUMNS.items()}
    computers, policies = tables["wp_computers"], tables["wp_policies"]
    codes, lists = pd.factorize(pd.Series([tuple(ids) for ids in computers["ips_rule_ids"]], dtype=object))
    computers["list"] = codes
    computers["pending"] = computers["last_policy_success"] < computers["last_policy_request"]
    tables["wp_computers"] = computers.drop(columns=["ips_rule_ids", "last_policy_request", "last_policy_success"])
    tables["on_agent"] = pd.DataFrame({"list": range(len(lists)), "rule_id": lists}).explode("rule_id").astype("int64").assign(own=True)
    assigned = policies.rename(columns={"ips_rule_ids": "rule_id"}).explode("rule_id").astype("int64")
    tables["on_policy"] = assigned.assign(assigned=True)
    return tables


def join(tables: dict[str, pd.DataFrame]) -> pd.Series:
    """State of each finding on its host, by finding and CVE."""
    findings = tables["inspector_findings"]
    named = findings["vulnerability_id"].str.startswith("CVE-")
    cves = findings["related_ids"].where(~named, findings["vulnerability_id"])
    rows = findings[["arn", "account", "resource_id"]].assign(cve=cves).explode("cve")
    hosts = tables["instances"].merge(tables["wp_computers"], on=["account", "instance_id", "computer_id"], how="left")
    rows = rows.merge(hosts.rename(columns={"instance_id": "resource_id"}), on=["account", "resource_id"], how="left").reset_index(drop=True)
    rows["row"] = np.arange(len(rows))
    rules = tables["wp_rules"]
    exact = rules["type"].isin(["vulnerability", "exploit", "smart", "custom"]) & (rules["cves"].str.len() <= 10)
    rules = rules.assign(exact=exact).rename(columns={"cves": "cve"}).explode("cve")[["rule_id", "cve", "exact", "detect_only"]]
    pairs = rows[["row", "cve", "list", "policy_id", "protection", "intrusion_prevention", "pending"]].merge(rules, on="cve")
    pairs = pairs.merge(tables["on_agent"], on=["list", "rule_id"], how="left").merge(tables["on_policy"], on=["policy_id", "rule_id"], how="left")
    softened = tables["wp_policy_rules"].rename(columns={"detect_only": "softened"})
    pairs = pairs.merge(softened, on=["policy_id", "rule_id"], how="left")
    own, assigned = pairs["own"].notna(), pairs["own"].notna() | pairs["assigned"].notna()
    detects = pairs["softened"].where(pairs["softened"].notna(), pairs["detect_only"]).astype(bool)
    hindered = (pairs["protection"] == "offline") | pairs["pending"].eq(True)
    mode = pairs["intrusion_prevention"]
    cases = [~pairs["exact"], own & ~hindered & (mode == "prevent") & ~detects, own & ~hindered, assigned]
    pairs["rank"] = np.select(cases, [4, 0, 1, 2], 3)
    best = pairs.groupby("row")["rank"].min().reindex(rows["row"]).fillna(5).astype("int64").to_numpy()
    unprotected = rows["protection"].isin(["unmanaged", "inactive"]).to_numpy()
    return pd.Series(np.where(unprotected, "unprotected", np.array(RANKS, dtype=object)[best]))
