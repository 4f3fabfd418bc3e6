"""Sends messages, each once: through a mail server (SMTP with TLS), or through SES.

A message that was surely not taken is Refused (or Denied); one that may have been taken is Uncertain, and is never sent again from here.
"""

from __future__ import annotations

import contextlib
import copy
import re
import smtplib
import ssl
from collections.abc import Callable
from email import policy
from email.message import EmailMessage
from typing import Any, NoReturn

from botocore import exceptions
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from reporter.clients.aws_errors import error_code, error_message, from_answer, from_the_way
from reporter.clients.aws_parsing import BrokenPage
from reporter.clients.aws_sessions import new_session
from reporter.clients.secrets import resolve
from reporter.core.action import Refused, Uncertain
from reporter.core.errors import Denied
from reporter.core.permission import By, Permission, partition
from reporter.schedule import Email, Ses, Smtp

Send = Callable[[EmailMessage], str]
"""Sends one message, returns its receipt. Raises Denied, Refused, Uncertain."""

TIMEOUT = 60.0
"""seconds for each step at the mail server"""

_ADDRESS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*")
_UNREACHABLE = "unreachable"
_THROTTLED = frozenset({"TooManyRequestsException", "Throttling", "ThrottlingException", "LimitExceededException", "RequestLimitExceeded"})
_LEADING_DOT = re.compile(rb"(?m)^\.")
_NEVER_LEFT = (
    exceptions.EndpointConnectionError,
    exceptions.ConnectTimeoutError,
    exceptions.ProxyConnectionError,
    exceptions.ParamValidationError,
)


def one_attempt(service: str, region: str) -> Any:
    """boto3's client with the current credentials, which never sends a call twice. Raises BotoCoreError."""
    config = Config(
        read_timeout=TIMEOUT,
        connect_timeout=10,
        retries={"mode": "standard", "total_max_attempts": 1},
        user_agent_extra="workload-compliance-reporter",
    )
    return new_session().client(service, region_name=region, config=config)  # type: ignore[call-overload]  # any service


def opener(email: Email, client: Callable[[str, str], Any] = one_attempt) -> Send:
    """How messages are sent as `deliver.email` says. `client`(service, region) must be one that sends each call once.

    Opens no connection; the password is read here. Raises ScheduleError where that cannot be read.
    """
    hand_over = _through_ses(email.ses, client) if email.ses else _through_smtp(email.smtp)

    def send(message: EmailMessage) -> str:
        recipients = _recipients(message)
        stamped = copy.deepcopy(message)
        for name, value in (("From", email.sender), ("Reply-To", email.reply_to)):
            del stamped[name]
            if value:
                stamped[name] = value
        data = stamped.as_bytes(policy=policy.SMTP)
        data = data if data.endswith(b"\r\n") else data + b"\r\n"
        if len(data) > email.max_bytes:
            raise Refused(f"the message to {', '.join(recipients)} is {len(data)} bytes long; deliver.email.max_bytes is {email.max_bytes}")
        return hand_over(email.sender, recipients, data)

    return send


def passing(refused: Refused) -> bool:
    """Whether the message was surely not taken, and trying again later may help: an SMTP answer of 4xx, a throttle, no way to the server."""
    return refused.code == _UNREACHABLE or refused.code in _THROTTLED or bool(re.fullmatch(r"4\d\d", refused.code))


def plain_address(text: str) -> str:
    """The text, if it is one plain address. Raises Refused for all else: two addresses, a name with it, line breaks, letters beyond ASCII."""
    if not _ADDRESS.fullmatch(text) or len(text) > 254:
        raise Refused(f"this is not one plain mail address: {text[:300]!r}")
    return text


def _recipients(message: EmailMessage) -> list[str]:
    """Everybody the message is to. Raises Refused where there is nobody, or one of them is no plain address."""
    headers = [header for name in ("To", "Cc") for header in message.get_all(name, [])]
    found = [plain_address(address.addr_spec) for header in headers for address in header.addresses]
    if not found or any(header.defects for header in headers):
        raise Refused("the message is addressed to nobody, or to what is no address")
    return found


_HandOver = Callable[[str, list[str], bytes], str]
"""(sender, recipients, message) -> receipt"""


def _through_smtp(smtp: Smtp | None) -> _HandOver:
    if smtp is None:  # schedule.Email sees to it
        raise ValueError("neither smtp nor ses")
    password = resolve(smtp.password, "deliver.email.smtp.password") if smtp.password else ""
    where = f"mail server {smtp.host}:{smtp.port}"

    def hand_over(sender: str, recipients: list[str], data: bytes) -> str:
        try:
            server = _connected(smtp)
        except (smtplib.SMTPException, OSError) as error:
            _refuse(where, error)
        try:
            try:
                _prepared(server, smtp, password, where)
                _addressed(server, sender, recipients, len(data), where)
            except (smtplib.SMTPException, OSError) as error:
                _refuse(where, error)
            receipt = _delivered(server, data, where)
            with contextlib.suppress(smtplib.SMTPException, OSError):  # taken is taken, however the parting goes
                server.quit()
            return receipt
        finally:
            server.close()

    return hand_over


def connect(smtp: Smtp, password: str, where: str) -> smtplib.SMTP:
    """The server, with TLS and logged in as `smtp` says; the caller closes it. Raises Denied, smtplib.SMTPException, OSError."""
    server = _connected(smtp)
    try:
        _prepared(server, smtp, password, where)
    except BaseException:
        server.close()
        raise
    return server


def _connected(smtp: Smtp) -> smtplib.SMTP:
    if smtp.security == "tls":
        return smtplib.SMTP_SSL(smtp.host, smtp.port, timeout=TIMEOUT, context=ssl.create_default_context())
    return smtplib.SMTP(smtp.host, smtp.port, timeout=TIMEOUT)


def _prepared(server: smtplib.SMTP, smtp: Smtp, password: str, where: str) -> None:
    """TLS and login. Raises Denied for a login that is not accepted."""
    server.ehlo_or_helo_if_needed()
    if smtp.security == "starttls":
        server.starttls(context=ssl.create_default_context())
        server.ehlo_or_helo_if_needed()
    if smtp.user:
        try:
            server.login(smtp.user, password)
        except smtplib.SMTPAuthenticationError as error:
            raise Denied(f"{where} does not accept user and password: {_words(error.smtp_code, error.smtp_error)}") from error


def _addressed(server: smtplib.SMTP, sender: str, recipients: list[str], size: int, where: str) -> None:
    """The envelope, all recipients or none, up to the server's word that the message may come. Raises Refused with the server's words."""
    code, said = server.mail(sender, [f"size={size}"] if server.has_extn("size") else [])
    if code != 250:
        raise Refused(f"{where} refuses the sender {sender}: {_words(code, said)}", code=str(code))
    for recipient in recipients:
        code, said = server.rcpt(recipient)
        if code not in (250, 251):
            raise Refused(f"{where} refuses the recipient {recipient}: {_words(code, said)}", code=str(code))
    code, said = server.docmd("data")
    if code != 354:
        raise Refused(f"{where} does not take the message: {_words(code, said)}", code=str(code))


def _delivered(server: smtplib.SMTP, data: bytes, where: str) -> str:
    """The message itself. From here on a lost connection says nothing: it may have been taken."""
    try:
        server.send(_LEADING_DOT.sub(b"..", data) + b".\r\n")
        code, said = server.getreply()
    except (smtplib.SMTPException, OSError) as error:
        raise Uncertain(f"{where}: the connection was lost while the message was handed over: {plain_error(error)}") from error
    if 200 <= code < 300:
        return _words(code, said)
    if 400 <= code < 600:
        raise Refused(f"{where} does not take the message: {_words(code, said)}", code=str(code))
    raise Uncertain(f"{where}: the answer to the message is none: {_words(code, said)}")


def _refuse(where: str, error: Exception) -> NoReturn:
    """Nothing of the message was handed over yet."""
    raise Refused(f"{where}: nothing was sent: {plain_error(error)}", code=_code(error)) from error


def _code(error: Exception) -> str:
    if isinstance(error, smtplib.SMTPResponseException):
        return str(error.smtp_code)
    return _UNREACHABLE if isinstance(error, ConnectionError | TimeoutError | smtplib.SMTPServerDisconnected) else ""


def _words(code: int, said: bytes | str) -> str:
    text = said.decode("ascii", "replace") if isinstance(said, bytes) else said
    return f"{code} {' '.join(text.split())}"[:300]


def plain_error(error: Exception) -> str:
    """A mail server's or a socket's error as one line."""
    if isinstance(error, smtplib.SMTPResponseException):
        return _words(error.smtp_code, error.smtp_error)
    return f"{type(error).__name__}: {' '.join(str(error).split())}"[:300]


def _through_ses(ses: Ses, open_client: Callable[[str, str], Any]) -> _HandOver:
    where = f"sesv2:send_email in {ses.region}"

    def hand_over(sender: str, recipients: list[str], data: bytes) -> str:
        request: dict[str, Any] = {"FromEmailAddress": sender, "Destination": {"ToAddresses": recipients}, "Content": {"Raw": {"Data": data}}}
        if ses.configuration_set:
            request["ConfigurationSetName"] = ses.configuration_set
        try:
            client = open_client("sesv2", ses.region)
            _sends_once(client)
            receipt = client.send_email(**request).get("MessageId", "")
        except ClientError as error:
            problem = from_answer(error, where=where, service="sesv2", operation="SendEmail")
            if isinstance(problem, Denied):
                raise problem from error
            if 400 <= error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0) < 500:
                raise Refused(f"{where}: {error_code(error)}: {' '.join(error_message(error).split())[:300]}", code=error_code(error)) from error
            raise Uncertain(problem.message) from error
        except BotoCoreError as error:
            lost = from_the_way(error, where=where)
            if isinstance(lost, Denied):
                raise lost from error
            if isinstance(error, _NEVER_LEFT):
                raise Refused(lost.message, code="" if isinstance(error, exceptions.ParamValidationError) else _UNREACHABLE) from error
            raise Uncertain(lost.message) from error
        except BrokenPage as error:
            raise Uncertain(f"{where}: broken answer: {error}"[:300]) from error
        if not receipt:
            raise Uncertain(f"{where}: answered without a message id")
        return str(receipt)

    return hand_over


def _sends_once(client: Any) -> None:
    """A mail that botocore sends again has two readers."""
    if client.meta.config.retries.get("total_max_attempts") != 1:
        raise ValueError("mail is sent through a client with total_max_attempts 1")


def identities(schedule: Any) -> tuple[str, ...]:
    """ARNs of what SES sends in the name of: the sender's address, its domain, and the configuration set."""
    email = schedule.deliver.email
    if email is None or email.ses is None:
        return ()
    named = [f"identity/{email.sender}", f"identity/{email.sender.rpartition('@')[2]}"]
    named += [f"configuration-set/{email.ses.configuration_set}"] if email.ses.configuration_set else []
    return tuple(f"arn:{partition(schedule)}:ses:{email.ses.region}:*:{name}" for name in named)


PERMISSIONS = (Permission(By.JOB, "SendMail", ("ses:SendEmail", "ses:SendRawEmail"), identities),)
