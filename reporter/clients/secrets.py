"""References to secrets -> secrets: env:NAME, secretsmanager:ARN, ssm:/path. The value is never logged, stored or shown."""

from __future__ import annotations

import os

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from reporter.core.errors import ScheduleError


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
            answer = boto3.client("secretsmanager", region_name=region).get_secret_value(SecretId=name)
            value = answer.get("SecretString", "")
        else:
            value = boto3.client("ssm").get_parameter(Name=name, WithDecryption=True)["Parameter"]["Value"]
    except (ClientError, BotoCoreError) as error:
        fix = "grant secretsmanager:GetSecretValue" if kind == "secretsmanager" else "grant ssm:GetParameter and kms:Decrypt"
        raise ScheduleError(f"{reference} cannot be read: {type(error).__name__}: {error}", where=where, fix=fix, meanwhile=meanwhile) from None
    return _header_safe(value, reference, where)


def _header_safe(value: str, reference: str, where: str) -> str:
    value = value.strip()
    if not value or not value.isascii() or not value.isprintable():
        raise ScheduleError(f"{reference} holds no usable key", where=where, fix="the key alone, on one line", meanwhile="nothing was read")
    return value
