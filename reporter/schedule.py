"""schedule.yaml -> settings. An unknown key is an error with a suggestion; a literal secret is refused; nothing is guessed."""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection
from datetime import date, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BeforeValidator, Field, ValidationError, ValidationInfo, field_validator, model_validator

from reporter import frameworks
from reporter import schedule_errors as explain
from reporter.core.language import SOURCE, codes
from reporter.core.recipient import DEFAULT_CLEARANCE, Clearance, Group, Recipient
from reporter.core.settings import Address, ChecksSettings, Duration, ExceptionRule, OwnersSettings, Section, Settings, TagScope, WafSettings

SECRET = re.compile(r"env:[A-Za-z_][A-Za-z0-9_]*|secretsmanager:arn:[^\s]+|ssm:/[^\s]+")
REGION = re.compile(r"[a-z]{2}(-[a-z]+)+-\d")
KEY = r"^(kms:(alias/[A-Za-z0-9/_-]{1,250}|[0-9a-f-]{36}|mrk-[0-9a-f]{32}|arn:aws[a-z-]*:kms:[a-z0-9-]+:\d{12}:(key|alias)/\S{1,250})|file:.+)?$"
BUCKET = re.compile(r"s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/[A-Za-z0-9!_.*'()/-]*)?")
DELEGABLE = ("guardduty", "inspector", "macie")


def _account_id(value: Any) -> Any:
    if isinstance(value, int):
        raise ValueError(  # noqa: TRY004  # pydantic reports ValueError
            'an account id is 12 digits in quotes, "111122223333": YAML reads a bare number and may drop leading zeros'
        )
    if not (isinstance(value, str) and re.fullmatch(r"\d{12}", value)):
        raise ValueError('an account id is 12 digits in quotes, "111122223333"')
    return value


def _secret(value: str) -> str:
    if not SECRET.fullmatch(value):
        raise ValueError("a secret is named, never written here: env:NAME, secretsmanager:ARN or ssm:/path")
    return value


def _role_arn(value: str) -> str:
    if not re.fullmatch(r"arn:aws[a-z-]*:iam::\d{12}:role/[\w+=,.@/-]+", value):
        raise ValueError("a role is named by its ARN: arn:aws:iam::111122223333:role/reporter-read")
    return value


def _mode(value: Any) -> Any:
    return "off" if value is False else value  # YAML reads a bare off as false


Mode = Annotated[Literal["off", "plan", "apply"], BeforeValidator(_mode)]
AccountId = Annotated[str, BeforeValidator(_account_id)]
SecretRef = Annotated[str, AfterValidator(_secret)]
RoleArn = Annotated[str, AfterValidator(_role_arn)]


class Job(Section):
    """When a job runs: EventBridge Scheduler's own expression."""

    schedule: str
    timezone: str = "UTC"

    @field_validator("schedule")
    @classmethod
    def _expression(cls, value: str) -> str:
        if not re.fullmatch(r"cron\(\S+( \S+){5}\)|rate\(\d+ (minutes?|hours?|days?)\)", value):
            raise ValueError("EventBridge Scheduler's form: cron(0 3 * * ? *) with six fields, or rate(1 day)")
        return value

    @field_validator("timezone")
    @classmethod
    def _zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise ValueError("a time zone of the IANA list, for example Europe/Berlin") from error
        return value


class Account(Section):
    """One AWS account; without a role it is read with the current credentials."""

    id: AccountId
    role: RoleArn | None = None
    act_role: RoleArn | None = None
    external_id: str | None = None

    @model_validator(mode="after")
    def _role_of_this_account(self) -> Account:
        for role in (self.role, self.act_role):
            if role is not None and role.split(":")[4] != self.id:
                raise ValueError(f"the role belongs to account {role.split(':')[4]}, not {self.id}")
        return self


class Organization(Section):
    """Every active account of the organisation, through a role of one name."""

    role: str
    act_role: str | None = None
    external_id: str | None = None


class InspectorExport(Section):
    """A bucket of a region, and a key of the same region, that Inspector may write its reports of findings with."""

    bucket: str = Field(pattern=r"^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$")
    key_arn: str = Field(pattern=r"^arn:aws[a-z-]*:kms:[a-z0-9-]+:\d{12}:key/[A-Za-z0-9-]{1,64}$")
    prefix: str = Field("inspector", pattern=r"^[A-Za-z0-9!_.-]+(/[A-Za-z0-9!_.-]+)*$")
    accounts: tuple[AccountId, ...] = ()
    """whose findings are read so; none: every account's that is read in this region"""
    patience: Duration = timedelta(hours=1)
    """how long a report may take, and one that is under way already"""


class Aws(Section):
    """Which accounts and regions are read, and how hard."""

    accounts: tuple[Account, ...] = ()
    organization: Organization | None = None
    regions: tuple[str, ...] | Literal["all"]
    delegated_admin: dict[Literal["guardduty", "inspector", "macie"], AccountId] = Field(default_factory=dict)
    """service -> account where it is read once per region for all its members; other accounts are read with their own role"""
    inspector_export: dict[str, InspectorExport] = Field(default_factory=dict)
    """region -> where Inspector writes a report of all active findings, which is read instead of listing them: for accounts that have very many"""
    scope: TagScope | None = None
    concurrency: int = Field(4, ge=1, le=64)
    """calls at once per account and service"""
    max_attempts: int = Field(8, ge=1, le=20)
    read_timeout: float = Field(60, gt=0)
    connect_timeout: float = Field(10, gt=0)

    @field_validator("regions")
    @classmethod
    def _regions(cls, value: tuple[str, ...] | str) -> tuple[str, ...] | str:
        if isinstance(value, str):
            return value
        wrong = [region for region in value if not REGION.fullmatch(region)]
        if wrong or not value:
            raise ValueError(f"regions are named like eu-central-1, or the one word all; not: {', '.join(wrong) or 'an empty list'}")
        return tuple(sorted(set(value)))

    @field_validator("inspector_export")
    @classmethod
    def _keys_of_the_region(cls, value: dict[str, InspectorExport]) -> dict[str, InspectorExport]:
        for region, one in value.items():
            if not REGION.fullmatch(region):
                raise ValueError(f"named by region, like eu-central-1; not {region!r}")
            if one.key_arn.split(":")[3] != region:
                raise ValueError(f"the key of {region} belongs to {one.key_arn.split(':')[3]}: Inspector takes a key and a bucket of its own region")
        return value

    @model_validator(mode="after")
    def _one_way_to_name_accounts(self) -> Aws:
        if bool(self.accounts) == (self.organization is not None):
            raise ValueError("name the accounts in one way: a list under accounts, or organization with a role name")
        ids = [account.id for account in self.accounts]
        twice = sorted({account for account in ids if ids.count(account) > 1})
        if twice:
            raise ValueError(f"account named twice: {', '.join(twice)}")
        return self


class Tenant(Section):
    """One Workload Protection tenant."""

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$")
    url: str
    auth: Literal["api-key", "api-secret-key"] = "api-key"
    key: SecretRef
    act_key: SecretRef | None = None
    calls_per_minute: int = Field(400, ge=1)
    """kept below the vendor's documented 500 per key and minute"""
    patience: float = Field(150, ge=0)
    """seconds for which a throttled or failing call is repeated; the vendor's rate window is 60 s"""
    timeout: float = Field(60, gt=0)

    @field_validator("url")
    @classmethod
    def _https(cls, value: str) -> str:
        parts = urlsplit(value)
        if parts.query or parts.fragment or parts.username or not parts.hostname:
            raise ValueError("the API's base URL, for example https://workload.de-1.cloudone.trendmicro.com/api")
        if parts.scheme != "https" and not (parts.scheme == "http" and _loopback(parts.hostname)):
            raise ValueError("https only: the key travels in every call (http is for a sandbox on this machine)")
        return value.rstrip("/")


def _loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


class ActionSettings(Section):
    """How far an action may go. All ship as plan."""

    mode: Mode = "plan"


class ScanAction(ActionSettings):
    """A scan of computers; `limit` targets in 24 hours."""

    limit: int = Field(200, ge=0)


class RecommendationScan(ScanAction):
    """A recommendation scan; `results`: what becomes of the rules it recommends."""

    results: Mode = "plan"


class AssignIpsRule(ActionSettings):
    """An IPS rule for a CVE onto the policy or the computer, within a blast radius."""

    limit: int = Field(20, ge=0)
    target: Literal["policy", "computer"] = "policy"
    start: Literal["inherit", "detect"] = "inherit"
    promote_after_days: int = Field(14, ge=0)
    """with start detect: after so many days prevent is proposed"""
    max_percent: int = Field(10, ge=0, le=100)
    max_computers: int = Field(500, ge=0)


class AttachManagedRuleGroup(ActionSettings):
    """A managed rule group into a web ACL, in Count first."""

    limit: int = Field(5, ge=0)


class Actions(Section):
    """The five actions and how far each may go."""

    recommendation_scan: RecommendationScan = RecommendationScan()
    integrity_scan: ScanAction = ScanAction()
    assign_ips_rule: AssignIpsRule = AssignIpsRule()
    attach_managed_rule_group: AttachManagedRuleGroup = AttachManagedRuleGroup()
    notify_owner: ActionSettings = ActionSettings()
    wait: Duration = timedelta(minutes=5)
    """how long a run waits for what it did to show; the next run looks again"""


class AcceptedFail(ExceptionRule):
    """An accepted FAIL, as written in the schedule: malformed ones are refused at load."""

    @field_validator("expires", "approved_on", "review_on", mode="before")
    @classmethod
    def _date(cls, value: Any, field: ValidationInfo) -> Any:
        if value == "" and field.field_name != "expires":
            return value
        if isinstance(value, date):
            return value.isoformat()
        if not (isinstance(value, str) and re.fullmatch(r"\d{4}-\d{2}-\d{2}", value)):
            raise ValueError("a date: 2027-03-31")
        date.fromisoformat(value)
        return value

    @field_validator("check", "resource", "reason", "owner", "approved_by", "ticket")
    @classmethod
    def _said(cls, value: str) -> str:
        if not value.strip():
            raise ValueError("an exception says all of this; it is empty")
        return value

    @model_validator(mode="after")
    def _another_person_approves(self) -> AcceptedFail:
        if self.owner.strip().casefold() == self.approved_by.strip().casefold():
            raise ValueError("approved_by is another person than owner")
        return self


class Reports(Section):
    """Languages and frameworks of the reports."""

    languages: tuple[str, ...] = Field((SOURCE,), min_length=1)
    """the first one has the contract's file names, each further one its code in them: report.de.html"""
    frameworks: tuple[str, ...] = ()
    """which frameworks the controls are shown of, by short or full name; none: all"""
    exports: tuple[Literal["asff", "ocsf", "oscal"], ...] = ()
    """records of other systems that are written beside: asff.jsonl, ocsf.jsonl, oscal.json"""
    export_results: Literal["open", "all"] = "open"
    """open: what fails, is unknown or is accepted, and what of it was put right since the run before; all: what passed too"""

    @field_validator("languages")
    @classmethod
    def _languages(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return known(value, codes(), "language")

    @field_validator("frameworks")
    @classmethod
    def _frameworks(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return known(value, frameworks.names(), "framework")


def known(given: tuple[str, ...], names: Collection[str], what: str) -> tuple[str, ...]:
    """Names, each once, as given. Raises ValueError with the nearest right one for a name that there is not."""
    for name in given:
        if name not in names:
            close = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
            raise ValueError(f"there is no {what} {name!r}; " + (f"did you mean {close[0]}?" if close else f"known: {', '.join(names)}"))
    return tuple(dict.fromkeys(given))


class ConfigRules(Section):
    """Evaluations for AWS Config rules of this name prefix."""

    unknown: Literal["retire", "non_compliant"] = "retire"
    prefix: str = Field("reporter-", pattern=r"^[A-Za-z0-9_-]{1,40}$")
    fresh: Duration | None = None
    """how old what a run saw may be when Config asks; older than that the function looks itself. Default: the time between two runs"""


class Smtp(Section):
    """A mail server, and how it is spoken to."""

    host: str = Field(pattern=r"^[A-Za-z0-9:.-]{1,253}$")
    port: int = Field(587, ge=1, le=65535)
    security: Literal["starttls", "tls", "none"] = "starttls"
    user: str = ""
    password: SecretRef | None = None

    @model_validator(mode="after")
    def _nothing_in_the_clear(self) -> Smtp:
        if self.security == "none" and not _loopback(self.host):
            raise ValueError("security none is for a mail server on this machine: the rest is starttls or tls")
        if bool(self.user) != (self.password is not None):
            raise ValueError("user and password go together")
        return self


class Ses(Section):
    """Amazon SES of the job's own account, in one region."""

    region: str
    configuration_set: str | None = Field(None, pattern=r"^[A-Za-z0-9_-]{1,64}$")

    @field_validator("region")
    @classmethod
    def _region(cls, value: str) -> str:
        if not REGION.fullmatch(value):
            raise ValueError("a region is named like eu-central-1")
        return value


def _plain(value: str) -> str:
    if not value or not value.isascii():
        raise ValueError("an address in plain ASCII, like reporter@example.com (a domain of other letters in its xn-- form)")
    return value


PlainAddress = Annotated[Address, AfterValidator(_plain)]


class MailRecipient(Section):
    """Somebody who gets a mail of each scheduled run, in one language, with what the clearance allows."""

    to: PlainAddress
    group: Group
    language: str = ""
    """default: the first of reports.languages"""
    clearance: Clearance | None = None
    """summary: the mail alone; report: with the page; full: with page and workbook. Default: management report, security full"""

    @field_validator("language")
    @classmethod
    def _language(cls, value: str) -> str:
        return known((value,), codes(), "language")[0] if value else value

    @model_validator(mode="after")
    def _owners_see_their_own(self) -> MailRecipient:
        if self.group is Group.OWNER and self.clearance is not None:
            raise ValueError("an owner gets its own rows and nothing else: leave clearance out, or name another group")
        return self


class Email(Section):
    """Who mails are from and to, and how they are sent: through a mail server, or through SES."""

    sender: PlainAddress
    reply_to: PlainAddress | None = None
    smtp: Smtp | None = None
    ses: Ses | None = None
    recipients: tuple[MailRecipient, ...] = ()
    owners: bool = False
    """each address of owners.addresses gets a mail with its own rows"""
    max_bytes: int = Field(10485760, ge=1)
    """a larger message is not sent; what makes the report's mails larger is linked instead, or named"""
    link_bucket: str = Field("", pattern=r"^(s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/[A-Za-z0-9!_.*'()/-]*)?)?$")
    """s3://bucket/prefix: where files that are too large for a mail are put"""
    link_hours: int = Field(24, ge=1, le=168)
    """how long a link to such a file holds"""

    @model_validator(mode="after")
    def _one_mail_each(self) -> Email:
        addresses = [recipient.to.lower() for recipient in self.recipients]
        twice = sorted({address for address in addresses if addresses.count(address) > 1})
        if twice:
            raise ValueError(f"one mail for each address: named twice: {', '.join(twice)}")
        return self

    @model_validator(mode="after")
    def _one_way_to_send(self) -> Email:
        if (self.smtp is None) == (self.ses is None):
            raise ValueError("name one way to send: smtp, or ses")
        return self


class SecurityHub(Section):
    """The results of each scheduled run, to the Security Hub of the account and region they belong to. {} turns it on: there is nothing to set."""


class Deliver(Section):
    """Where files go. What a version cannot deliver yet is said in run.json, under held_back."""

    email: Email | None = None
    s3: dict[str, Any] = Field(default_factory=dict)
    config_rules: ConfigRules | None = None
    security_hub: SecurityHub | None = None


class Evidence(Section):
    """Who signs the pack, and where it is kept."""

    key: str = Field("", pattern=KEY)
    """kms:alias/NAME or kms:ARN of a P-256 key; file:PATH of a PEM; empty: a key made for this chain in the state folder (weaker, and labelled so)"""
    next_key: str = Field("", pattern=KEY)
    """the key that will follow: name it here for one run before it takes the place of key, and that run's seal names it"""
    chain: str = Field("main", pattern=r"^[A-Za-z0-9_.-]{1,64}$")
    store: str = ""
    """where a zip of every pack is put, and never overwritten: s3://bucket/prefix, or a folder"""
    retention_days: int = Field(400, ge=1, le=36500)
    """how long the bucket keeps a pack from being deleted"""
    lock: Literal["governance", "compliance", "none"] = "governance"
    """Object Lock of the stored zip. compliance: nobody can delete it before its time, you and AWS included"""
    lock_cannot_be_undone: bool = False
    """asked for a second time, for lock compliance"""
    tsa_url: str = ""
    """a time-stamping authority (RFC 3161) that each signature is shown to"""

    @field_validator("store")
    @classmethod
    def _bucket_or_folder(cls, value: str) -> str:
        if "://" in value and not BUCKET.fullmatch(value):
            raise ValueError("s3://bucket/prefix, or the path of a folder")
        return value.rstrip("/") if "://" in value else value

    @field_validator("tsa_url")
    @classmethod
    def _https(cls, value: str) -> str:
        parts = urlsplit(value)
        safe = parts.scheme == "https" or (parts.scheme == "http" and _loopback(parts.hostname or ""))
        if value and (not parts.hostname or parts.username or not safe):
            raise ValueError("the authority's URL: https://… (http is for an authority on this machine)")
        return value

    @model_validator(mode="after")
    def _asked_for_twice(self) -> Evidence:
        if self.lock == "compliance" and not self.lock_cannot_be_undone:
            raise ValueError("lock compliance cannot be taken back before retention_days are over: say so with lock_cannot_be_undone: true")
        if self.lock_cannot_be_undone and self.lock != "compliance":
            raise ValueError("lock_cannot_be_undone goes with lock: compliance")
        if self.next_key and self.next_key == self.key:
            raise ValueError("next_key is another key than key")
        return self


class Approvals(Section):
    """Whether a plan may be approved by the job's own identity."""

    separate: bool = False


class Schedule(Section):
    """schedule.yaml, whole."""

    jobs: dict[str, Job] = Field(min_length=1)
    aws: Aws
    workload_protection: tuple[Tenant, ...] = Field(min_length=1)
    owners: OwnersSettings = OwnersSettings()
    checks: ChecksSettings = ChecksSettings()
    waf: WafSettings = WafSettings()
    actions: Actions = Actions()
    approvals: Approvals = Approvals()
    exceptions: tuple[AcceptedFail, ...] = ()
    reports: Reports = Reports()
    deliver: Deliver = Deliver()
    state: str = ""
    evidence: Evidence = Evidence()

    @model_validator(mode="after")
    def _names_once(self) -> Schedule:
        names = [tenant.name for tenant in self.workload_protection]
        if len(set(names)) != len(names):
            raise ValueError("two Workload Protection tenants have the same name")
        return self

    @model_validator(mode="after")
    def _owners_have_addresses(self) -> Schedule:
        email = self.deliver.email
        known = {*self.owners.addresses.values(), self.owners.default} - {""}
        owners = [recipient.to for recipient in email.recipients if recipient.group is Group.OWNER] if email else []
        if strange := sorted(set(owners) - known):
            raise ValueError(f"deliver.email.recipients: {', '.join(strange)} owns nothing: name it in owners.addresses or owners.default")
        if wrong := sorted(address for address in known if not address.isascii()) if email and email.owners else []:
            raise ValueError(f"owners.addresses: {', '.join(wrong)} is not plain ASCII (a domain of other letters: in its xn-- form)")
        return self

    def recipients(self) -> tuple[Recipient, ...]:
        """Who gets a mail of each scheduled run, one for each address: those named, then owners by address."""
        email, first = self.deliver.email, self.reports.languages[0]
        if email is None:
            return ()
        owners = sorted({address for address in self.owners.addresses.values() if address}) if email.owners else []
        named = [
            Recipient(
                one.to,
                one.group,
                one.language or first,
                one.clearance or DEFAULT_CLEARANCE[one.group],
                one.group is Group.OWNER or one.to in owners,
            )
            for one in email.recipients
        ]
        taken = {one.to for one in named}
        return (*named, *(Recipient(to, Group.OWNER, first, Clearance.SUMMARY, own_rows=True) for to in owners if to not in taken))

    def languages(self) -> tuple[str, ...]:
        """Languages that the reports are written in: those of reports.languages, then others that a recipient reads."""
        return tuple(dict.fromkeys((*self.reports.languages, *(recipient.language for recipient in self.recipients()))))

    def exports(self) -> frozenset[str]:
        """Records of other systems that are written: those named, and what is delivered."""
        return frozenset({*self.reports.exports, *(["asff"] if self.deliver.security_hub else [])})

    def settings(self) -> Settings:
        """What joins and checks may know of it."""
        rules = self.deliver.config_rules
        return Settings(
            checks=self.checks,
            waf=self.waf,
            owners=self.owners,
            scope=self.aws.scope,
            config_rule_prefix=rules.prefix if rules else "reporter-",
            tenants=tuple(tenant.name for tenant in self.workload_protection),
            language=self.reports.languages[0],
        )


def load(path: Path) -> Schedule:
    """The schedule in a file. Raises ScheduleError that names file, line, key and what to change."""
    return parse(explain.read_yaml(path), str(path))


def parse(text: str, where: str) -> Schedule:
    """The schedule in YAML text; `where` is how messages call it. Raises ScheduleError."""
    value, lines = explain.load_yaml(text, where)
    try:
        return Schedule.model_validate(value)
    except ValidationError as error:
        raise explain.validation(error, Schedule, lines, where) from None
