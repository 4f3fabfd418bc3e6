"""Is each protection module that schedule.yaml requires active on each instance?

Why: a module that is configured but does not run, that only watches, or that runs without a single rule, protects nothing; lists of
assigned policies do not show that.

Limits: what counts is what the agent says of itself, and only while it is online. Intrusion prevention must be in prevent mode with at least
one rule. Whether anti-malware scans in real time, and whether application control blocks what it does not know, is shown in the agent's
own words where it says so, and not judged. Modules that schedule.yaml does not require are shown and not judged.

Source: state, moduleStatus.agentStatus and agentStatusMessage of each module of the computer; number of intrusion prevention rules effective on it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import pandas as pd

from reporter.core.check import Check
from reporter.core.result import Severity, Status
from reporter.core.verdicts import AGENT_NEEDS, Case, agent_cases, first_case, seen_on, verdicts, words
from reporter.core.world import World
from reporter.tables.joined import INSTANCES

_WITHOUT_RULES = r"(?:^|,)\s*(?:no|0)\s+rules?\b"


@dataclass(frozen=True)
class Module:
    """A module as people name it, the words that mean it works, and whether it works by rules."""

    name: str
    title: str
    severity: Severity
    works: tuple[str, ...] = ("on",)
    by_rules: bool = False


MODULES: dict[str, Module] = {
    "anti_malware": Module("anti-malware", "Anti-malware active", Severity.HIGH, ("on", "real-time")),
    "intrusion_prevention": Module("intrusion prevention", "Intrusion prevention active in prevent mode", Severity.HIGH, ("prevent",), by_rules=True),
    "integrity_monitoring": Module("integrity monitoring", "Integrity monitoring active", Severity.MEDIUM, ("on", "real-time"), by_rules=True),
    "log_inspection": Module("log inspection", "Log inspection active", Severity.MEDIUM, by_rules=True),
    "firewall": Module("firewall", "Host firewall active", Severity.MEDIUM, by_rules=True),
    "application_control": Module("application control", "Application control active", Severity.MEDIUM),
    "web_reputation": Module("web reputation", "Web reputation active", Severity.LOW),
    "activity_monitoring": Module("activity monitoring", "Activity monitoring (EDR/XDR sensor) active", Severity.MEDIUM),
}


def judge(key: str, world: World) -> pd.DataFrame:
    """One row per instance in scope, about the module of this key."""
    module = MODULES[key]
    instances = world.table(INSTANCES)
    said = words(instances[f"{key}_message"])
    status, reason = first_case(instances, _cases(key, world, instances, said))
    value = words(instances[key])
    observed = (value + ": " + said).where((value != "") & (said != ""), value)
    expected = " or ".join(module.works) + (", with rules" if module.by_rules else "")
    return verdicts(instances, resource="instance_id", status=status, reason=reason, observed=seen_on(instances, observed), expected=expected)


def _cases(key: str, world: World, instances: pd.DataFrame, said: pd.Series) -> list[Case]:
    module, value = MODULES[key], instances[key]
    everywhere = pd.Series(data=True, index=instances.index)
    if key not in world.settings.checks.required_modules:
        return [(everywhere, Status.NOT_APPLICABLE, f"{module.name} is not required by schedule.yaml")]
    cases: list[Case] = [
        *agent_cases(world, instances),
        (instances["protection"] == "inactive", Status.FAIL, f"the agent is inactive: {module.name} cannot run"),
        (instances["protection"] == "offline", Status.FAIL, f"the agent is offline: what it last said of {module.name} is not current"),
        (value.isna(), Status.UNKNOWN, f"Workload Protection does not say, in a word known here, whether {module.name} runs"),
        (value == "off", Status.FAIL, f"{module.name} is off"),
        (
            value == "inactive",
            Status.FAIL,
            _of_each(said, lambda texts: (f"{module.name} is configured but does not run: " + texts).str.removesuffix(": ")),
        ),
    ]
    if key == "intrusion_prevention":
        cases += [
            (value == "detect", Status.FAIL, "intrusion prevention is in detect mode: attacks are noted, not stopped"),
            (instances["ips_rules"].isna(), Status.UNKNOWN, "how many rules are effective on the computer is not known"),
            (instances["ips_rules"] == 0, Status.FAIL, "intrusion prevention is on, but no rule is effective on the computer"),
        ]
    if module.by_rules:
        empty = _of_each(said, lambda texts: texts.str.contains(_WITHOUT_RULES, case=False, regex=True))
        cases.append((empty, Status.FAIL, f"{module.name} is on, but the agent says that it has no rules"))
    return [*cases, (value.isin(module.works), Status.PASS, f"{module.name} is active on the agent")]


def _of_each(texts: pd.Series, make: Callable[[pd.Series], pd.Series]) -> pd.Series:
    """What make() makes of each text; of a hundred thousand messages few are different."""
    codes, distinct = pd.factorize(texts)
    return pd.Series(make(pd.Series(distinct, dtype="object")).to_numpy()[codes], index=texts.index)


CHECKS = tuple(
    Check(
        id=f"{key}_active",
        title=module.title,
        severity=module.severity,
        population=("ec2",),
        needs=AGENT_NEEDS,
        judge=partial(judge, key),
    )
    for key, module in MODULES.items()
)
