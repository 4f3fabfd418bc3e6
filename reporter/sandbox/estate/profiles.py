"""What hosts are meant to be found as: one line a profile, each a pitfall or an ordinary case."""

from __future__ import annotations

from dataclasses import dataclass

from reporter.sandbox.estate.spec import Protection


@dataclass(frozen=True)
class Profile:
    """`computer`: word of hosts.py for the WP record that is meant to stand for the host; `beside`: further records of the same host."""

    protection: Protection
    policy: str | None
    computer: str = ""
    beside: tuple[str, ...] = ()
    state: str = "running"
    young: bool = False
    ips: str = "effective"
    weight: int = 1


_P = Protection

PROFILES: dict[str, Profile] = {
    "web": Profile(_P.PROTECTED, "web", "active", weight=30),
    "webapp": Profile(_P.PROTECTED, "webapp", "active", weight=12),
    "linux": Profile(_P.PROTECTED, "linux", "active", weight=40),
    "windows_detect": Profile(_P.PROTECTED, "windows", "active", ips="detect", weight=6),
    "legacy_off": Profile(_P.PROTECTED, "legacy", "active", ips="module_off", weight=3),
    "prevent_but_module_inactive": Profile(_P.PROTECTED, "linux", "active", ips="module_off", weight=3),
    "policy_not_yet_sent": Profile(_P.PROTECTED, "linux", "active", ips="pending", weight=3),
    "rules_not_yet_on_agent": Profile(_P.PROTECTED, "linux", "lagging", weight=4),
    "agent_in_warning": Profile(_P.PROTECTED, "linux", "warning", weight=3),
    "anti_malware_off": Profile(_P.PROTECTED, "linux", "no_anti_malware", weight=3),
    "stale_record_beside": Profile(_P.PROTECTED, "linux", "active", ("stale",), weight=3),
    "connector_record_beside": Profile(_P.PROTECTED, "web", "active", ("connector",), weight=4),
    "no_connector_only": Profile(_P.PROTECTED, "linux", "no_connector", weight=3),
    "upper_cased_id": Profile(_P.PROTECTED, "linux", "upper_case"),
    "display_name_empty": Profile(_P.PROTECTED, "linux", "nameless"),
    "newer_words": Profile(_P.PROTECTED, "linux", "newer_words"),
    "no_policy": Profile(_P.NO_POLICY, None, "active", weight=5),
    "contact_long_ago": Profile(_P.OFFLINE, "linux", "silent", weight=5),
    "agent_in_error": Profile(_P.OFFLINE, "linux", "error", weight=3),
    "message_says_offline": Profile(_P.OFFLINE, "web", "offline_message", weight=3),
    "agent_inactive": Profile(_P.INACTIVE, "linux", "inactive", weight=4),
    "agent_not_supported": Profile(_P.INACTIVE, "linux", "not_supported"),
    "connector_record_only": Profile(_P.INACTIVE, None, "connector", weight=8),
    "unmanaged": Profile(_P.UNMANAGED, None, weight=14),
    "unmanaged_young": Profile(_P.UNMANAGED, None, young=True, weight=2),
    "computer_without_summary": Profile(_P.UNMANAGED, None, "", ("no_summary",)),
    "stopped_offline": Profile(_P.OFFLINE, "linux", "silent", state="stopped", weight=4),
    "stopped_unmanaged": Profile(_P.UNMANAGED, None, state="stopped", weight=2),
    "terminated_left_in_wp": Profile(_P.OFFLINE, "linux", "silent", state="terminated", weight=2),
}
