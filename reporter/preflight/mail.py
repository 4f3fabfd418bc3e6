"""Can mails be sent, and what is too large for one be linked? Up to the mail itself, which would be a mail to somebody."""

from __future__ import annotations

from collections.abc import Iterator

from reporter.clients.links import Links
from reporter.clients.mail_identity import log_in, verified
from reporter.core.errors import ReporterError, ScopeProblem
from reporter.preflight.finding import Finding, fail, of_problem, ok
from reporter.schedule import Email, Schedule, Ses, Smtp


def look(schedule: Schedule) -> Iterator[Finding]:
    """Where mails are sent at all."""
    email = schedule.deliver.email
    if email is not None and email.ses is not None:
        yield _identity(email, email.ses)
    if email is not None and email.smtp is not None:
        yield _server(email.smtp)
    if email is not None and email.link_bucket:
        yield _bucket(email)


def _identity(email: Email, ses: Ses) -> Finding:
    what = f"SES in {ses.region}"
    try:
        name = verified(ses, email.sender)
    except ScopeProblem as problem:
        return of_problem(what, problem, "the credentials, and the way to SES")
    if not name:
        domain = email.sender.rpartition("@")[2]
        return fail(what, f"neither {email.sender} nor {domain} is verified for sending", "verify one of them as an identity of SES in that region")
    return ok(what, f"{name} is verified for sending")


def _bucket(email: Email) -> Finding:
    what = "bucket of links"
    try:
        region = Links.at(email.link_bucket, email.link_hours).look()
    except ScopeProblem as problem:
        return of_problem(what, problem, "the bucket that deliver.email.link_bucket names, and the way to it")
    return ok(what, f"{email.link_bucket} is there, in {region}")


def _server(smtp: Smtp) -> Finding:
    what = f"mail server {smtp.host}:{smtp.port}"
    try:
        log_in(smtp)
    except ScopeProblem as problem:
        return of_problem(what, problem, "host, port, security, user and password under deliver.email.smtp")
    except ReporterError as error:
        return fail(what, error.what, error.fix)
    return ok(what, {"none": "reached, on this machine", "tls": "reached with TLS"}.get(smtp.security, "reached with STARTTLS") + _user(smtp))


def _user(smtp: Smtp) -> str:
    return f", {smtp.user} is logged in" if smtp.user else ""
