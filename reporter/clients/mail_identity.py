"""May mail be sent in the sender's name? Asked without sending: SES's identities, or a login at the mail server.

https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_GetEmailIdentity.html
"""

from __future__ import annotations

import smtplib
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from reporter.clients.aws_errors import error_code, from_answer, from_the_way
from reporter.clients.aws_parsing import BrokenPage
from reporter.clients.mail import connect, identities, one_attempt, plain_error
from reporter.clients.secrets import resolve
from reporter.core.errors import Unavailable
from reporter.core.permission import By, Permission
from reporter.schedule import Ses, Smtp


def verified(ses: Ses, sender: str) -> str:
    """The identity, of the address or its domain, that is verified for sending; empty: neither is. Raises Denied, Unavailable."""
    where = f"sesv2:GetEmailIdentity in {ses.region}"
    try:
        client = one_attempt("sesv2", ses.region)
        return next((name for name in (sender, sender.rpartition("@")[2]) if _sends(client, name)), "")
    except ClientError as error:
        raise from_answer(error, where=where, service="sesv2", operation="GetEmailIdentity") from error
    except BotoCoreError as error:
        raise from_the_way(error, where=where) from error
    except BrokenPage as error:
        raise Unavailable(f"{where}: broken answer: {error}"[:300]) from error


def _sends(client: Any, name: str) -> bool:
    try:
        return bool(client.get_email_identity(EmailIdentity=name).get("VerifiedForSendingStatus"))
    except ClientError as error:
        if error_code(error) == "NotFoundException":
            return False
        raise


def log_in(smtp: Smtp) -> None:
    """Connect, TLS and login, and part without a word of mail. Raises Denied for a login that is not accepted, Unavailable, ScheduleError."""
    password = resolve(smtp.password, "deliver.email.smtp.password") if smtp.password else ""
    where = f"mail server {smtp.host}:{smtp.port}"
    try:
        server = connect(smtp, password, where)
        try:
            server.noop()
        finally:
            server.close()
    except (smtplib.SMTPException, OSError) as error:
        raise Unavailable(f"{where}: {plain_error(error)}") from error


PERMISSIONS = (Permission(By.JOB, "LookAtMailIdentity", ("ses:GetEmailIdentity",), identities),)
"""asked by `reporter check` alone"""
