"""A commented schedule.yaml to start from: what the current credentials say of accounts, regions and the tenant. Reads only, and writes no secret."""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from reporter.clients.aws import AwsClients
from reporter.clients.workload_protection import WpClient
from reporter.core.errors import ScheduleError, ScopeProblem
from reporter.opening import Clients
from reporter.schedule import parse

THREADS = 16
"""places looked at at once"""
KEY = "WP_API_KEY"

_TEXT = """\
# What the reporter reads, by which thresholds it judges, and what it may do. Every key: reporter schema
jobs:
  nightly: {{schedule: "cron(0 3 * * ? *)", timezone: UTC}}

aws:
{accounts}
  regions: {regions}
  # delegated_admin: {{guardduty: "444455556666"}}   # also inspector, macie: read there for all its members; other accounts with their own role
  # inspector_export: {{…}}      # accounts with very many findings: Inspector writes a report that is read. docs/inspector-export.md

workload_protection:
  - name: main
    url: {url}
    auth: {auth:<14}        # api-key, or api-secret-key for keys made in the Workload Protection console{note}
    key: env:WP_API_KEY         # or secretsmanager:ARN, ssm:/path; a key itself is refused here

owners: {{tag: Owner, addresses: {{}}, default: ""}}

checks:
  agent_max_age: 24h
  grace_minutes: 60             # younger instances are UNKNOWN, not FAIL
  required_policies: []         # empty: any policy
  required_modules: [anti_malware, intrusion_prevention]

actions:                        # off | plan: nothing is changed in the world
  recommendation_scan: {{mode: plan}}
  integrity_scan: {{mode: plan}}
  assign_ips_rule: {{mode: plan}}
  attach_managed_rule_group: {{mode: plan}}
  notify_owner: {{mode: plan}}

# deliver:                      # who gets a mail of each run; through smtp or ses
#   email:
#     sender: reporter@example.com
#     smtp: {{host: mail.example.com, user: reporter, password: "env:SMTP_PASSWORD"}}
#     owners: true              # each address of owners.addresses: its own rows
#     recipients:
#       - {{to: ciso@example.com, group: management}}
#       - {{to: secops@example.com, group: security}}

exceptions: []
# - {{check: firewall_active, resource: i-0123456789abcdef0, reason: "…", owner: "…", approved_by: "someone else", ticket: "…", expires: 2027-03-31}}
#   further, for the auditor: risk, compensation, approved_on, review_on
"""


_ONE = """\
  accounts:                     # further accounts need a role that trusts this one
    - {{id: "{account}"}}
    # - {{id: "444455556666", role: "arn:aws:iam::444455556666:role/reporter-read", external_id: a-word-of-yours}}"""


@dataclass(frozen=True)
class Found:
    """What there is. `others`: accounts of the organisation and whether their role can be assumed; `regions`: those in use, empty: all enabled."""

    account: str
    others: tuple[tuple[str, bool], ...] = ()
    regions: tuple[str, ...] = ()


def look(role: str) -> Found:
    """Ask the account of the current credentials, and the organisation it may manage. Raises ScheduleError where not even the account is known."""
    aws = AwsClients(max_attempts=2, connect_timeout=5, read_timeout=30)
    account = _own_account(aws)
    with ThreadPoolExecutor(THREADS) as threads:
        listed = [other for other in _organization(aws) if other != account]
        others = list(zip(listed, threads.map(lambda other: _assumable(aws, other, _arn(other, role)), listed), strict=True))
        ways = {account: None, **{other: _arn(other, role) for other, readable in others if readable}}
        places = [(one, way, region) for one, way in ways.items() for region in _enabled(aws, one, way)]
        used = list(threads.map(lambda place: _in_use(aws, *place), places))
    regions = {region for (_, _, region), something in zip(places, used, strict=True) if something}
    return Found(account, tuple(others), tuple(sorted(regions)))


def auth_of(url: str) -> tuple[str, str]:
    """(auth, remark): how the key in the environment is to be sent; the usual way where there is none, or it is not accepted."""
    key = os.environ.get(KEY, "")
    if not key:
        return "api-key", f"; not tried: {KEY} is not set"
    said = ""
    for auth in ("api-key", "api-secret-key"):
        try:
            WpClient("main", url, auth, key, patience=0, timeout=10).reader("init").get("/apikeys/current", right="view API keys")
        except ScopeProblem as problem:
            said = said or problem.message
        else:
            return auth, ""
    return "api-key", f"; neither worked: {said}"


def write_starter(path: Path, found: Found, url: str, role: str = "reporter-read", tried: tuple[str, str] = ("api-key", "")) -> None:
    """Write the file. Raises ScheduleError where there is one already, or an answer is wrong."""
    refuse_existing(path)
    regions = f"[{', '.join(found.regions)}]" if found.regions else "all"
    text = _TEXT.format(accounts=_accounts(found, role), regions=regions, url=url, auth=tried[0], note=" ".join(tried[1].split()))
    parse(text, str(path))
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise ScheduleError(f"the file cannot be written: {error.strerror}", where=str(path), fix="a folder that is there and yours") from error


def refuse_existing(path: Path) -> None:
    """Raises ScheduleError where there is a file already."""
    if path.exists():
        raise ScheduleError(
            "there is a file of that name already", where=str(path), fix="another name: --schedule FILE", meanwhile="nothing was written"
        )


def _accounts(found: Found, role: str) -> str:
    """The organisation where every account's role can be assumed; else the accounts that can be read, and the others as comments."""
    if not found.others:
        return _ONE.format(account=found.account)
    if all(readable for _, readable in found.others):
        return f"  organization: {{role: {role}}}   # every active account, through its role of this name; {found.account} itself with the job's own"
    lines = ["  accounts:", f'    - {{id: "{found.account}"}}']
    for other, readable in found.others:
        mark, why = ("", "") if readable else ("# ", "   # this role could not be assumed")
        lines.append(f'    {mark}- {{id: "{other}", role: "{_arn(other, role)}"}}{why}')
    return "\n".join(lines)


def _arn(account: str, role: str) -> str:
    return f"arn:aws:iam::{account}:role/{role}"


def _own_account(aws: AwsClients) -> str:
    try:
        return aws.identity("")["account"]
    except ScopeProblem as problem:
        raise ScheduleError(
            f"the account is not known: {problem.message}",
            where="sts:GetCallerIdentity",
            fix="give credentials, or the account: --account 111122223333",
            meanwhile="nothing was written",
        ) from problem


def _organization(aws: AwsClients) -> Sequence[str]:
    """Its active accounts; none where the account may not list them, or is in no organisation."""
    try:
        return Clients(aws, {}).organization_accounts()
    except ScopeProblem:
        return ()


def _assumable(aws: AwsClients, account: str, role: str) -> bool:
    try:
        return aws.identity(account, role)["account"] == account
    except ScopeProblem:
        return False


def _enabled(aws: AwsClients, account: str, role: str | None) -> Sequence[str]:
    """Enabled regions; where they cannot be asked, none is named, and the schedule says all."""
    try:
        return aws.enabled_regions(account, role)
    except ScopeProblem:
        return ()


def _in_use(aws: AwsClients, account: str, role: str | None, region: str) -> bool:
    """Is there an instance or a cluster? Where that cannot be asked there may be one: a region is never left out unseen."""
    reader = aws.reader(account, region, "init", role)
    try:
        if reader.call("ec2", "describe_instances", MaxResults=5).get("Reservations"):
            return True
        return bool(reader.call("ecs", "list_clusters", maxResults=1).get("clusterArns"))
    except ScopeProblem:
        return True
