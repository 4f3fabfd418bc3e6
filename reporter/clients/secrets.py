"""References to secrets -> secrets: env:NAME, secretsmanager:ARN, ssm:/path. The value is never logged, stored or shown."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from functools import partial
from typing import Any

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from reporter.clients.aws_parsing import BrokenPage
from reporter.clients.aws_sessions import new_session
from reporter.core.errors import ScheduleError
from reporter.core.permission import By, Conditions, Permission, partition
from reporter.core.secret import remember

_COMPLETE = re.compile(r"-[A-Za-z0-9]{6}$")


def resolve(reference: str, where: str) -> str:
    """The secret a reference names, read with the current credentials. Raises ScheduleError that names the reference, never the value."""
    kind, _, name = reference.partition(":")
    meanwhile = "nothing was read, written or sent"
    if kind == "env":
        value = os.environ.get(name, "")
        if not value:
            raise ScheduleError(f"the environment variable {name} is not set", where=where, fix=f"export {name}=…", meanwhile=meanwhile)
        return _header_safe(value, reference, where)
    try:
        if kind == "secretsmanager":
            region = name.split(":")[3] if name.count(":") >= 6 else None
            answer = _client("secretsmanager", region).get_secret_value(SecretId=name)
            value = answer.get("SecretString", "")
        else:
            value = _client("ssm", None).get_parameter(Name=name, WithDecryption=True)["Parameter"]["Value"]
    except (ClientError, BotoCoreError, BrokenPage) as error:
        fix = "grant secretsmanager:GetSecretValue" if kind == "secretsmanager" else "grant ssm:GetParameter and kms:Decrypt"
        raise ScheduleError(f"{reference} cannot be read: {type(error).__name__}: {error}", where=where, fix=fix, meanwhile=meanwhile) from None
    return _header_safe(value, reference, where)


def _client(service: str, region: str | None) -> Any:
    config = Config(retries={"mode": "standard"}, user_agent_extra="workload-compliance-reporter")
    return new_session().client(service, region_name=region, config=config)  # type: ignore[call-overload]  # any service


def _header_safe(value: str, reference: str, where: str) -> str:
    value = value.strip()
    if not value or not value.isascii() or not value.isprintable():
        raise ScheduleError(f"{reference} holds no usable key", where=where, fix="the key alone, on one line", meanwhile="nothing was read")
    return remember(value)


def rereading(reference: str, where: str) -> Callable[[], str] | None:
    """How the secret is read once more after it was refused; None where it cannot change while the process lives."""
    return None if reference.startswith("env:") else partial(resolve, reference, where)


def references(schedule: Any) -> tuple[str, ...]:
    """Every reference to a secret in a schedule."""
    smtp = schedule.deliver.email.smtp if schedule.deliver.email else None
    named = [key for tenant in schedule.workload_protection for key in (tenant.key, tenant.act_key)]
    return tuple(dict.fromkeys(name for name in (*named, smtp.password if smtp else None) if name))


def _secrets(schedule: Any) -> tuple[str, ...]:
    """ARNs of secrets; AWS adds six letters to a name, which a reference may leave out."""
    named = [name.removeprefix("secretsmanager:") for name in references(schedule) if name.startswith("secretsmanager:")]
    return tuple(arn for name in named for arn in ([name] if _COMPLETE.search(name) else [name, f"{name}-??????"]))


def _parameters(schedule: Any) -> tuple[str, ...]:
    named = [name.removeprefix("ssm:") for name in references(schedule) if name.startswith("ssm:")]
    return tuple(f"arn:{partition(schedule)}:ssm:*:*:parameter{name}" for name in named)


def _keys(schedule: Any) -> tuple[str, ...]:
    return (f"arn:{partition(schedule)}:kms:*:*:key/*",) if _secrets(schedule) or _parameters(schedule) else ()


def _for_secrets_only(schedule: Any) -> Conditions:
    ending = "amazonaws.com.cn" if partition(schedule) == "aws-cn" else "amazonaws.com"
    used = [service for service, found in (("secretsmanager", _secrets(schedule)), ("ssm", _parameters(schedule))) if found]
    return {"StringLike": {"kms:ViaService": tuple(f"{service}.*.{ending}" for service in used)}}


PERMISSIONS = (
    Permission(By.JOB, "ReadSecrets", ("secretsmanager:GetSecretValue",), _secrets),
    Permission(By.JOB, "ReadParameters", ("ssm:GetParameter",), _parameters),
    Permission(By.JOB, "DecryptSecrets", ("kms:Decrypt",), _keys, _for_secrets_only, implied=True),
)
