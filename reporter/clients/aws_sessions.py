"""botocore sessions of accounts: the caller's own credentials from boto3's environment, or an assumed role's that renew themselves."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import boto3
from botocore.config import Config
from botocore.credentials import CredentialResolver, DeferredRefreshableCredentials
from botocore.exceptions import BotoCoreError, ClientError
from botocore.loaders import Loader, create_loader
from botocore.session import Session

from reporter.clients.aws_errors import error_code, error_message, from_answer, from_the_way
from reporter.clients.aws_parsing import BrokenPage, be_strict
from reporter.core.clock import iso
from reporter.core.errors import Denied, Unavailable
from reporter.core.permission import By, Permission, partition

SESSION_NAME = "workload-compliance-reporter"


class _Provider:
    """The only credential provider of a session."""

    METHOD = CANONICAL_NAME = "reporter"

    def __init__(self, credentials: Any) -> None:
        self._credentials = credentials

    def load(self) -> Any:
        return self._credentials


@cache
def _models() -> Loader:
    """botocore's loader of service models, shared between sessions so that each model is read once."""
    return create_loader(os.environ.get("AWS_DATA_PATH"))


def new_session(credentials: Any = None) -> boto3.session.Session:
    """A session that parses strictly, with these credentials (botocore's) or, without, with those of boto3's environment.

    Raises BotoCoreError (a profile that does not exist).
    """
    session = Session()
    session.register_component("data_loader", _models())
    if credentials is not None:
        session.register_component("credential_provider", CredentialResolver([_Provider(credentials)]))  # type: ignore[list-item]  # duck-typed
    be_strict(session)
    made = boto3.session.Session(botocore_session=session)
    session.set_default_client_config(Config(user_agent=_user_agent(session)))
    return made


def _user_agent(session: Session) -> str:
    """Who asks, in botocore's older form: made once; its newer form is put together twice in each call."""
    own = session.user_agent().removesuffix(f" {session.user_agent_extra}")  # clients add that themselves
    application = session.get_config_variable("user_agent_appid")
    return f"{own} app/{application}" if application else own


def renewing(renew: Callable[[], dict[str, str]]) -> DeferredRefreshableCredentials:
    """Credentials that are what `renew` returns, asked for when they are first needed and again before they expire."""
    return DeferredRefreshableCredentials(refresh_using=renew, method="assume-role")


def assume(sts: Callable[[], Any], account: str, role_arn: str, external_id: str | None) -> dict[str, str]:
    """Temporary credentials of a role, in botocore's form of a renewal. Raises Denied, Unavailable."""
    where = f"sts:AssumeRole of {role_arn} in {account}"
    request = {"RoleArn": role_arn, "RoleSessionName": SESSION_NAME}
    if external_id:
        request["ExternalId"] = external_id
    try:
        credentials = sts().assume_role(**request)["Credentials"]
        return {
            "access_key": credentials["AccessKeyId"],
            "secret_key": credentials["SecretAccessKey"],
            "token": credentials["SessionToken"],
            "expiry_time": iso(credentials["Expiration"]),
        }
    except ClientError as error:
        problem = from_answer(error, where=where, service="sts", operation="AssumeRole")
        if isinstance(problem, Denied) and problem.permission:
            reason = f"{error_code(error)}: {' '.join(error_message(error).split())[:300]}"
            raise Denied(f"cannot assume {role_arn} in {account}: {reason}", permission="sts:AssumeRole") from error
        raise problem from error
    except BotoCoreError as error:
        raise from_the_way(error, where=where) from error
    except (BrokenPage, KeyError) as error:
        raise Unavailable(f"{where}: broken answer ({error})") from error


def endpoint_override(environment: Mapping[str, str] | None = None) -> str:
    """Where AWS calls go instead of AWS, from boto3's environment or profile: addresses joined by ", "; "" where nothing is overridden."""
    env = os.environ if environment is None else environment
    if env.get("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "").lower() == "true":
        return ""
    found = {value for name, value in env.items() if (name == "AWS_ENDPOINT_URL" or name.startswith("AWS_ENDPOINT_URL_")) and value}
    try:
        session = Session()
        profile = session.get_scoped_config()
        services = session.full_config.get("services", {}).get(profile.get("services", ""), {})
    except BotoCoreError:  # the profile does not exist: every call will say so
        profile, services = {}, {}
    found.update(_endpoints(profile), *(_endpoints(service) for service in services.values()))
    return ", ".join(sorted(_without_user(url) for url in found))


def _endpoints(section: Any) -> set[str]:
    return {section["endpoint_url"]} if isinstance(section, Mapping) and section.get("endpoint_url") else set()


def _without_user(url: str) -> str:
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))


def keep_host(client: Any) -> None:
    """S3 Control puts the account id before the host; with an endpoint override that host does not exist, so it is taken away again."""
    host = urlsplit(client.meta.endpoint_url).netloc

    def without_account(params: dict[str, Any], **_: Any) -> None:
        parts = urlsplit(params["url"])
        account, _, rest = parts.netloc.partition(".")
        if account.isdigit() and rest == host:
            params["url"] = urlunsplit(parts._replace(netloc=rest))

    if not host.endswith((".amazonaws.com", ".amazonaws.com.cn", ".api.aws")):
        client.meta.events.register("before-call.s3-control", without_account)


def _roles(schedule: Any) -> tuple[str, ...]:
    """ARNs of the roles that the schedule names."""
    organization = schedule.aws.organization
    if organization is not None:
        names = [name for name in (organization.role, organization.act_role) if name]
        return tuple(f"arn:{partition(schedule)}:iam::*:role/{name}" for name in names)
    return tuple(role for account in schedule.aws.accounts for role in (account.role, account.act_role) if role)


PERMISSIONS = (Permission(By.JOB, "AssumeRoles", ("sts:AssumeRole",), _roles),)
