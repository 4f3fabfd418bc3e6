"""Schedules that the deployment is shown with: one account, an organisation with Workload Protection on premises, a list of accounts read only, and
one with everything switched on."""

from __future__ import annotations

from reporter.schedule import Schedule, parse

JOBS = 'jobs: {nightly: {schedule: "cron(0 3 * * ? *)", timezone: Europe/Berlin}}'
CLOUD = "https://workload.de-1.cloudone.trendmicro.com/api"
KEPT = """
state: s3://acme-reporter/state
evidence: {key: "kms:alias/reporter-seal", chain: prod, store: "s3://acme-reporter/packs"}
"""

ONE_ACCOUNT = f"""
{JOBS}
aws: {{accounts: [{{id: "111122223333"}}], regions: [eu-central-1]}}
workload_protection: [{{name: main, url: "{CLOUD}", key: "ssm:/reporter/wp"}}]
owners: {{default: secops@example.com}}
deliver: {{email: {{sender: reporter@example.com, ses: {{region: eu-central-1}}, recipients: [{{to: secops@example.com, group: security}}]}}}}
{KEPT}"""

ORGANISATION = """
jobs:
  nightly: {schedule: "cron(0 3 * * ? *)", timezone: Europe/Berlin}
  noon: {schedule: "rate(12 hours)"}
aws:
  organization: {role: security/reporter-read, act_role: security/reporter-act, external_id: a-word-of-ours}
  regions: all
  delegated_admin: {guardduty: "444455556666"}
workload_protection:
  - name: on-premises
    url: https://dsm.corp.example.com:4119/api
    auth: api-secret-key
    key: secretsmanager:arn:aws:secretsmanager:eu-central-1:111122223333:secret:reporter/wp-a1B2c3
    act_key: secretsmanager:arn:aws:secretsmanager:eu-central-1:111122223333:secret:reporter/wp-act
owners: {addresses: {payments: payments@example.com}, default: secops@example.com}
actions: {attach_managed_rule_group: {mode: apply}}
deliver:
  config_rules: {}
  email:
    sender: reporter@example.com
    smtp: {host: mail.example.com, user: reporter, password: "secretsmanager:arn:aws:secretsmanager:eu-central-1:111122223333:secret:smtp-a1B2c3"}
    owners: true
    link_bucket: s3://acme-reporter/mails
state: s3://acme-reporter/state
evidence: {key: "kms:alias/reporter-seal", chain: prod, store: "s3://acme-packs/prod", lock: compliance, lock_cannot_be_undone: true}
"""

READ_ONLY = f"""
{JOBS}
aws:
  accounts:
    - {{id: "111122223333", role: "arn:aws:iam::111122223333:role/reporter-read"}}
    - {{id: "222233334444", role: "arn:aws:iam::222233334444:role/reporter-read"}}
  regions: [eu-central-1, us-east-1]
workload_protection: [{{name: main, url: "{CLOUD}", key: "ssm:/reporter/wp"}}]
actions:
  recommendation_scan: {{mode: off, results: off}}
  integrity_scan: {{mode: off}}
  assign_ips_rule: {{mode: off}}
  attach_managed_rule_group: {{mode: off}}
  notify_owner: {{mode: off}}
{KEPT}"""

EVERYTHING = f"""
{JOBS}
aws:
  organization: {{role: reporter-read, act_role: reporter-act}}
  regions: all
  inspector_export: {{eu-central-1: {{bucket: acme-inspector, key_arn: "arn:aws:kms:eu-central-1:111122223333:key/abcd-1234"}}}}
workload_protection:
  - name: main
    url: {CLOUD}
    key: secretsmanager:arn:aws:secretsmanager:eu-central-1:111122223333:secret:wp-a1B2c3
    act_key: ssm:/reporter/wp-act
deliver:
  config_rules: {{}}
  security_hub: {{}}
  email: {{sender: reporter@example.com, ses: {{region: eu-central-1, configuration_set: audit}}, link_bucket: s3://acme-reporter/mails}}
state: s3://acme-reporter/state
evidence: {{key: "kms:alias/reporter-seal", next_key: "kms:alias/reporter-next", store: "s3://acme-reporter/packs"}}
"""


def schedule(text: str, more: str = "") -> Schedule:
    return parse(text + more, "here")
