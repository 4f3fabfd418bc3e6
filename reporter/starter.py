"""A commented schedule.yaml to start from."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from reporter.clients.aws import AwsClients
from reporter.core.errors import ScheduleError, ScopeProblem
from reporter.schedule import parse

_TEXT = """\
# What the reporter reads, by which thresholds it judges, and what it may do. Every key: reporter schema
jobs:
  nightly: {{schedule: "cron(0 3 * * ? *)", timezone: UTC}}

aws:
  accounts:                     # further accounts need a role that trusts this one
    - {{id: "{account}"}}
    # - {{id: "444455556666", role: "arn:aws:iam::444455556666:role/reporter-read", external_id: a-word-of-yours}}
  regions: {regions}
  # delegated_admin: {{guardduty: "444455556666"}}   # also inspector, macie: read there for all its members; other accounts with their own role

workload_protection:
  - name: main
    url: {url}
    auth: api-key               # or api-secret-key, for keys made in the Workload Protection console
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
"""


def write_starter(path: Path, account: str | None, regions: Sequence[str], url: str) -> None:
    """Write the file. Raises ScheduleError where there is one already, an answer is wrong, or no account is known."""
    if path.exists():
        raise ScheduleError(
            "there is a file of that name already", where=str(path), fix="another name: --schedule FILE", meanwhile="nothing was written"
        )
    text = _TEXT.format(account=account or _own_account(), regions=f"[{', '.join(regions)}]" if regions else "all", url=url)
    parse(text, str(path))
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise ScheduleError(f"the file cannot be written: {error.strerror}", where=str(path), fix="a folder that is there and yours") from error


def _own_account() -> str:
    try:
        return AwsClients(max_attempts=2, connect_timeout=5, read_timeout=10).identity("")["account"]
    except ScopeProblem as problem:
        raise ScheduleError(
            f"the account is not known: {problem.message}",
            where="sts:GetCallerIdentity",
            fix="give credentials, or the account: --account 111122223333",
            meanwhile="nothing was written",
        ) from problem
