from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest

from reporter.core.errors import ScheduleError
from reporter.schedule import Schedule, load, parse

GOOD = """
jobs: {nightly: {schedule: "cron(0 3 * * ? *)", timezone: Europe/Berlin}}
aws:
  accounts: [{id: "111122223333"}]
  regions: [us-east-1, eu-central-1]
workload_protection:
  - {name: main, url: "https://workload.de-1.cloudone.trendmicro.com/api", key: "env:WP_API_KEY"}
"""


def said(text: str) -> str:
    with pytest.raises(ScheduleError) as caught:
        parse(text, "schedule.yaml")
    assert caught.value.exit_code == 2
    return str(caught.value)


def test_only_three_keys_are_required_and_the_rest_has_defaults() -> None:
    schedule = parse(GOOD, "here")
    assert schedule.aws.regions == ("eu-central-1", "us-east-1")
    assert schedule.settings().checks.agent_max_age == timedelta(hours=24)
    assert schedule.settings().tenants == ("main",)
    assert {schedule.actions.notify_owner.mode, schedule.actions.assign_ips_rule.mode} == {"plan"}


def test_every_key_of_the_contract_is_known() -> None:
    schedule = parse(
        GOOD
        + """
owners: {tag: Owner, addresses: {payments: payments@example.com}, default: secops@example.com}
checks: {agent_max_age: 36h, grace_minutes: 30, required_policies: [Base], required_modules: [anti_malware]}
waf: {web_server: [{vendor: AWS, name: AWSManagedRulesCommonRuleSet}], promote_after_days: 7}
actions:
  recommendation_scan: {mode: plan, limit: 200, results: plan}
  integrity_scan: {mode: off, limit: 200}
  assign_ips_rule: {mode: plan, limit: 20, target: policy, start: inherit, max_percent: 10, max_computers: 500}
  attach_managed_rule_group: {mode: plan, limit: 5}
  notify_owner: {mode: plan}
exceptions:
  - {check: firewall_active, resource: i-1, reason: legacy, owner: payments, approved_by: secops, ticket: SEC-1, expires: 2027-03-31}
reports: {languages: [en, de], frameworks: []}
deliver:
  email: {sender: reporter@example.com, smtp: {host: mail.example.com, user: reporter, password: "env:SMTP_PASSWORD"}, reply_to: secops@example.com}
  s3: {}
  config_rules: {unknown: retire}
  security_hub: {}
state: s3://bucket/prefix
evidence: {key: "file:/keys/seal.pem", chain: prod, store: "s3://bucket/packs", retention_days: 400}
""",
        "here",
    )
    assert schedule.checks.agent_max_age == timedelta(hours=36)
    assert schedule.exceptions[0].expires == "2027-03-31"
    assert Schedule.model_validate_json(schedule.model_dump_json()) == schedule


@pytest.mark.parametrize(
    ("mistake", "message"),
    [
        (GOOD.replace("accounts:", "acounts:"), "aws.acounts: unknown key; did you mean accounts?"),
        (GOOD + "checks: {agent_max_ag: 1h}", "line 8: checks.agent_max_ag: unknown key; did you mean agent_max_age?"),
        (GOOD + "zzz: 1", "zzz: unknown key; known here:"),
        (GOOD + "evidence: {lock: compliance}", "lock compliance cannot be taken back before retention_days are over"),
        (GOOD + "evidence: {lock_cannot_be_undone: true}", "lock_cannot_be_undone goes with lock: compliance"),
        (GOOD + "evidence: {key: alias/seal}", "evidence.key"),
        (GOOD + 'evidence: {key: "kms:alias/a", next_key: "kms:alias/a"}', "next_key is another key than key"),
        (GOOD + 'evidence: {store: "https://bucket"}', "s3://bucket/prefix, or the path of a folder"),
        (GOOD + 'evidence: {tsa_url: "http://tsa.example.com"}', "the authority's URL: https://"),
        (GOOD + "exceptions: [{chek: x}]", "exceptions[0].chek: unknown key; did you mean check?"),
        (GOOD.replace('"env:WP_API_KEY"', "tmc12-very-secret"), "a secret is named, never written here"),
        (GOOD.replace('"111122223333"', "111122223333"), "12 digits in quotes"),
        (GOOD.replace('"111122223333"', '"1111"'), "12 digits in quotes"),
        (GOOD.replace("https://", "http://"), "https only"),
        (GOOD.replace("eu-central-1", "eu_central"), "regions are named like eu-central-1"),
        (GOOD.replace("[us-east-1, eu-central-1]", "[]"), "regions are named like"),
        (GOOD.replace("cron(0 3 * * ? *)", "every day"), "EventBridge Scheduler's form"),
        (GOOD.replace("Europe/Berlin", "Berlin"), "IANA list"),
        (GOOD.replace('accounts: [{id: "111122223333"}]', "accounts: []"), "name the accounts in one way"),
        (GOOD.replace('{id: "111122223333"}', '{id: "111122223333"}, {id: "111122223333"}'), "account named twice"),
        (
            GOOD.replace('{id: "111122223333"}', '{id: "111122223333", role: "arn:aws:iam::444455556666:role/r"}'),
            "the role belongs to account 444455556666",
        ),
        (GOOD.replace('{id: "111122223333"}', '{id: "111122223333", role: reporter}'), "a role is named by its ARN"),
        (GOOD + "checks: {agent_max_age: 24}", "written with its unit"),
        (GOOD + "checks: {agent_max_age: soon}", "whole number and a unit"),
        (GOOD + "checks: {required_modules: [device_control]}", "required_modules"),
        (GOOD + "exceptions: [{check: a, resource: b, reason: c, owner: d, approved_by: d, ticket: e, expires: 2027-01-01}]", "another person"),
        (GOOD + "exceptions: [{check: a, resource: b, reason: c, owner: d, approved_by: e, ticket: e, expires: soon}]", "a date: 2027-03-31"),
        (
            GOOD + "exceptions: [{check: a, resource: b, reason: c, owner: d, approved_by: e, ticket: e, expires: 2027-01-01, review_on: in spring}]",
            "a date: 2027-03-31",
        ),
        (GOOD + "exceptions: [{check: a, resource: b, reason: c, owner: d, approved_by: e, expires: 2027-01-01}]", "ticket: this key is required"),
        (GOOD + "aws: {}", "the key 'aws' stands here twice"),
        ("jobs: [", "this is not valid YAML"),
        ("- a list", "a schedule is a mapping"),
        ("", "a schedule is a mapping"),
        ("jobs: {}", "workload_protection: this key is required"),
        (GOOD.replace("https://workload", "https://user:pw@workload"), "the API's base URL"),
        (
            GOOD + '  - {name: main, url: "https://example.com/api", key: "env:K"}\n',
            "two Workload Protection tenants have the same name",
        ),
    ],
)
def test_a_mistake_is_named_with_what_to_change(mistake: str, message: str) -> None:
    assert message in said(mistake)


def email(text: str) -> str:
    return GOOD + "deliver: {email: {" + text + "}}"


SENDER = "sender: reporter@example.com"


def test_a_mail_server_is_spoken_to_with_starttls_unless_it_is_said_otherwise() -> None:
    found = parse(email(f"{SENDER}, smtp: {{host: mail.example.com}}"), "here").deliver.email
    assert found is not None
    assert found.smtp is not None
    assert (found.smtp.port, found.smtp.security, found.smtp.password, found.ses) == (587, "starttls", None, None)
    assert (found.reply_to, found.max_bytes) == (None, 10485760)


def test_mail_may_go_through_ses() -> None:
    schedule = parse(email(f"{SENDER}, ses: {{region: eu-central-1, configuration_set: reports}}"), "here")
    assert schedule.deliver.email is not None
    assert schedule.deliver.email.ses is not None
    assert (schedule.deliver.email.ses.region, schedule.deliver.email.ses.configuration_set) == ("eu-central-1", "reports")
    assert Schedule.model_validate_json(schedule.model_dump_json()) == schedule


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "'::1'"])
def test_mail_in_the_clear_is_for_this_machine_only(host: str) -> None:
    assert parse(email(f"{SENDER}, smtp: {{host: {host}, port: 2525, security: none}}"), "here")


def test_without_email_nothing_is_mailed() -> None:
    assert parse(GOOD, "here").deliver.email is None
    assert parse(GOOD + "deliver: {email: }", "here").deliver.email is None


@pytest.mark.parametrize(
    ("mistake", "message"),
    [
        ("", "deliver.email.sender: this key is required"),
        (SENDER, "name one way to send: smtp, or ses"),
        (f"{SENDER}, smtp: {{host: a}}, ses: {{region: us-east-1}}", "name one way to send: smtp, or ses"),
        (f"{SENDER}, smpt: {{host: a}}", "deliver.email.smpt: unknown key; did you mean smtp?"),
        (f"{SENDER}, smtp: {{hots: a}}", "deliver.email.smtp.hots: unknown key; did you mean host?"),
        (f"{SENDER}, smtp: {{}}", "deliver.email.smtp.host: this key is required"),
        (f"{SENDER}, ses: {{regoin: us-east-1}}", "deliver.email.ses.regoin: unknown key; did you mean region?"),
        (f"{SENDER}, ses: {{region: Frankfurt}}", "a region is named like eu-central-1"),
        (f"{SENDER}, smtp: {{host: mail.example.com, security: none}}", "security none is for a mail server on this machine"),
        (f"{SENDER}, smtp: {{host: a, user: u}}", "user and password go together"),
        (f'{SENDER}, smtp: {{host: a, password: "env:P"}}', "user and password go together"),
        (f"{SENDER}, smtp: {{host: a, user: u, password: hunter2}}", "a secret is named, never written here"),
        (f"{SENDER}, smtp: {{host: 'smtp://a'}}", "deliver.email.smtp.host"),
        ("sender: '', ses: {region: us-east-1}", "an address in plain ASCII"),
        ("sender: rêporter@example.com, ses: {region: us-east-1}", "an address in plain ASCII"),
        (r'sender: "a@example.com\r\nBcc: b@example.com", ses: {region: us-east-1}', "an address like payments@example.com"),
        (f"{SENDER}, reply_to: nobody, ses: {{region: us-east-1}}", "an address like payments@example.com"),
    ],
)
def test_a_mistake_in_the_mail_settings_is_named(mistake: str, message: str) -> None:
    assert message in said(email(mistake))
    assert "hunter2" not in said(email(mistake))


MAILED = """
reports: {languages: [en]}
deliver:
  email:
    sender: reporter@example.com
    ses: {region: eu-central-1}
    owners: true
    link_bucket: s3://too-large/mails
    recipients:
      - {to: ciso@example.com, group: management, language: de}
      - {to: team@example.com, group: security, clearance: report}
      - {to: payments@example.com, group: owner}
owners: {addresses: {payments: payments@example.com, billing: payments@example.com, orders: orders@example.com}, default: secops@example.com}
"""


def test_everybody_has_one_mail_with_language_and_clearance() -> None:
    schedule = parse(GOOD + MAILED, "here")
    assert [(one.to, one.group.value, one.language, one.clearance.value, one.own_rows) for one in schedule.recipients()] == [
        ("ciso@example.com", "management", "de", "report", False),
        ("team@example.com", "security", "en", "report", False),
        ("payments@example.com", "owner", "en", "summary", True),
        ("orders@example.com", "owner", "en", "summary", True),
    ]
    assert schedule.languages() == ("en", "de")
    assert schedule.deliver.email is not None
    assert schedule.deliver.email.link_hours == 24
    assert Schedule.model_validate_json(schedule.model_dump_json()) == schedule


def test_somebody_who_also_owns_instances_has_one_mail_with_its_rows() -> None:
    schedule = parse(GOOD + MAILED.replace("to: team@example.com", "to: orders@example.com"), "here")
    assert [(one.to, one.own_rows) for one in schedule.recipients()][1:] == [("orders@example.com", True), ("payments@example.com", True)]


def test_nobody_is_mailed_unless_named() -> None:
    assert parse(GOOD, "here").recipients() == ()
    assert parse(email(f"{SENDER}, smtp: {{host: a}}"), "here").recipients() == ()


@pytest.mark.parametrize(
    ("wrong", "right", "message"),
    [
        ("group: security", "group: securty", "deliver.email.recipients[1].group"),
        ("language: de", "language: xx", "there is no language 'xx'"),
        ("clearance: report", "clearance: all", "deliver.email.recipients[1].clearance"),
        ("group: owner}", "group: owner, clearance: full}", "an owner gets its own rows and nothing else"),
        ("to: team@example.com", "to: CISO@example.com", "named twice: ciso@example.com"),
        ("to: payments@example.com, group: owner", "to: other@example.com, group: owner", "other@example.com owns nothing"),
        ("link_bucket: s3://too-large/mails", "link_bucket: https://too-large", "deliver.email.link_bucket"),
        ("link_bucket: s3://too-large/mails", "link_hours: 169", "deliver.email.link_hours"),
        ("to: ciso@example.com", "to: ''", "recipients[0].to: an address in plain ASCII"),
        ("orders: orders@example.com", "orders: ördérs@example.com", "is not plain ASCII"),
        (r"to: ciso@example.com", r'to: "a@example.com\r\nBcc: b@example.com"', "an address like"),
    ],
)
def test_a_mistake_among_the_recipients_is_named(wrong: str, right: str, message: str) -> None:
    assert wrong in MAILED
    assert message in said(GOOD + MAILED.replace(wrong, right))


def test_a_literal_secret_is_never_repeated() -> None:
    assert "tmc12-very-secret" not in said(GOOD.replace('"env:WP_API_KEY"', "tmc12-very-secret"))


def test_http_is_allowed_to_a_sandbox_on_this_machine_only() -> None:
    for host in ("127.0.0.1:5011", "localhost:5011", "[::1]:5011"):
        assert parse(GOOD.replace("https://workload.de-1.cloudone.trendmicro.com", f"http://{host}"), "here")
    assert "https only" in said(GOOD.replace("https://workload.de-1.cloudone.trendmicro.com", "http://10.0.0.1"))


def test_a_schedule_that_is_not_there_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(ScheduleError, match="there is no such schedule") as caught:
        load(tmp_path / "none.yaml")
    assert "reporter init" in str(caught.value)


def test_a_file_that_is_not_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "s.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ScheduleError, match="cannot be read"):
        load(tmp_path / "s.yaml")


@pytest.mark.parametrize("text", ["a: &a [*a]", "!!python/object/apply:os.system ['true']", "a: " + "[" * 5000])
def test_hostile_yaml_is_a_message_not_a_crash(text: str) -> None:
    said(text)


def test_a_language_is_one_that_there_are_translations_for_and_each_is_taken_once() -> None:
    assert parse(GOOD, "here").reports.languages == ("en",)
    assert parse(GOOD + "reports: {languages: [de, en, de]}", "here").reports.languages == ("de", "en")
    assert "there is no language 'dee'; did you mean de?" in said(GOOD + "reports: {languages: [dee]}")
    assert "there is no language 'fr'; known: en, de" in said(GOOD + "reports: {languages: [fr]}")
    assert "reports.languages" in said(GOOD + "reports: {languages: []}")


def test_a_framework_is_named_by_its_short_or_full_name() -> None:
    assert parse(GOOD + 'reports: {frameworks: [pci-dss, "BSI C5:2020", pci-dss]}', "here").reports.frameworks == ("pci-dss", "BSI C5:2020")
    assert "there is no framework 'pci'; did you mean" in said(GOOD + "reports: {frameworks: [pci]}")


@pytest.mark.parametrize(("change", "message"), [({"approved_by": " Payments"}, "another person than owner"), ({"reason": "  "}, "it is empty")])
def test_an_exception_nobody_else_approved_or_nobody_explained_is_refused(change: dict[str, str], message: str) -> None:
    whole = {
        "check": "c",
        "resource": "i-1",
        "reason": "legacy",
        "owner": "payments",
        "approved_by": "ciso",
        "ticket": "SEC-1",
        "expires": "2027-03-31",
    }
    assert message in said(f"{GOOD}exceptions: {json.dumps([whole | change])}\n")
    for name in whole:
        assert name in said(f"{GOOD}exceptions: {json.dumps([{key: value for key, value in whole.items() if key != name}])}\n")


@pytest.mark.parametrize(
    ("export", "message"),
    [
        ('{eu-central-1: {bucket: acme, key_arn: "arn:aws:kms:us-east-1:111122223333:key/a"}}', "a key and a bucket of its own region"),
        ('{all: {bucket: acme, key_arn: "arn:aws:kms:us-east-1:111122223333:key/a"}}', "named by region"),
        ('{us-east-1: {bucket: "s3://acme", key_arn: "arn:aws:kms:us-east-1:111122223333:key/a"}}', "bucket"),
        ('{us-east-1: {bucket: acme, key_arn: "alias/a"}}', "key_arn"),
    ],
)
def test_an_export_names_a_bucket_and_a_key_of_its_region(export: str, message: str) -> None:
    assert message in said(GOOD.replace("regions:", f"inspector_export: {export}\n  regions:"))
