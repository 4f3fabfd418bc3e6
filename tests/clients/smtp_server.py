"""A mail server on this machine that speaks SMTP as a test has told it, faults included."""

from __future__ import annotations

import base64
import ipaddress
import socketserver
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

USER, PASSWORD = "reporter", "a-password-of-the-sandbox"


@dataclass(frozen=True)
class Taken:
    """A message that the server took."""

    sender: str
    recipients: tuple[str, ...]
    data: bytes
    encrypted: bool
    user: str


@dataclass
class SmtpServer:
    """`cut`: after which of connect, mail, rcpt, data, half (of the message), message, taken the connection is closed.

    `answers`: verb, or "message" for what follows DATA -> the answer instead of the usual one.
    """

    port: int = 0
    certificate: str = ""
    implicit_tls: bool = False
    starttls: bool = True
    size: int = 0
    cut: str = ""
    answers: dict[str, str] = field(default_factory=dict)
    taken: list[Taken] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)

    def context(self) -> ssl.SSLContext:
        made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        made.load_cert_chain(self.certificate)
        return made


class _Cut(Exception):
    """The connection ends here."""


class _Conversation(socketserver.StreamRequestHandler):
    """One client."""

    def told(self) -> SmtpServer:
        server: SmtpServer = self.server.smtp  # type: ignore[attr-defined]  # set by the fixture
        return server

    def handle(self) -> None:
        self.encrypted, self.user, self.sender = False, "", ""
        self.recipients: list[str] = []
        try:
            if self.told().implicit_tls:
                self._encrypt()
            self._cut_after("connect")
            self._say(self.told().answers.get("connect", "220 mail.example.com ready"))
            while self._one():
                pass
        except (_Cut, OSError):
            return

    def _one(self) -> bool:
        line = self.rfile.readline().decode("latin-1").rstrip("\r\n")
        if not line:
            return False
        self.told().lines.append(line)
        verb, _, rest = line.partition(" ")
        verb = verb.lower()
        if verb == "data":
            self._data()
        elif verb == "starttls" and self.told().starttls:
            self._say("220 go ahead")
            self._encrypt()
        elif verb == "ehlo":
            self._say("\r\n".join(self._greeting()))
        elif verb == "auth":
            self._say(self.told().answers.get("auth") or self._login(rest))
        else:
            self._note(verb, rest)
            self._say(self._answer(verb, rest))
            self._cut_after(verb)
        return verb != "quit"

    def _greeting(self) -> list[str]:
        told = self.told()
        offers = ["AUTH PLAIN"] if self.encrypted else ["STARTTLS"] if told.starttls else []
        offers += [f"SIZE {told.size}"] if told.size else []
        return [f"250-{offer}" for offer in ["mail.example.com", *offers]] + ["250 8BITMIME"]

    def _login(self, rest: str) -> str:
        _, user, password = base64.b64decode(rest.split(" ")[1]).decode().split("\0")
        self.user = user if (user, password) == (USER, PASSWORD) else ""
        return "235 2.7.0 welcome" if self.user else "535 5.7.8 user or password is wrong"

    def _note(self, verb: str, rest: str) -> None:
        address = rest.partition(":")[2].partition(">")[0].lstrip("<")
        if verb == "mail":
            self.sender = address
        elif verb == "rcpt":
            self.recipients.append(address)

    def _answer(self, verb: str, rest: str) -> str:
        answers = self.told().answers
        usual = {"mail": "250 2.1.0 ok", "rcpt": "250 2.1.5 ok", "quit": "221 bye", "rset": "250 ok", "noop": "250 ok"}
        return answers.get(f"{verb} {rest.partition('>')[0].partition('<')[2]}") or answers.get(verb) or usual.get(verb, "502 not known here")

    def _data(self) -> None:
        self._cut_after("data")
        answer = self.told().answers.get("data", "354 go ahead")
        self._say(answer)
        if not answer.startswith("354"):
            return
        lines: list[bytes] = []
        while (line := self.rfile.readline()) != b".\r\n":
            if not line:
                raise _Cut
            lines.append(line.removeprefix(b"."))
            self._cut_after("half")
        self._cut_after("message")
        answer = self.told().answers.get("message", "250 2.0.0 queued as 4XYZ")
        if answer.startswith("2"):
            self.told().taken.append(Taken(self.sender, tuple(self.recipients), b"".join(lines), self.encrypted, self.user))
        self._say(answer)
        self._cut_after("taken")

    def _encrypt(self) -> None:
        self.connection = self.told().context().wrap_socket(self.connection, server_side=True)
        self.rfile, self.wfile = self.connection.makefile("rb"), self.connection.makefile("wb", buffering=0)
        self.encrypted = True

    def _cut_after(self, step: str) -> None:
        if self.told().cut == step:
            raise _Cut

    def _say(self, text: str) -> None:
        self.wfile.write(text.encode("latin-1") + b"\r\n")


class _Listening(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, smtp: SmtpServer) -> None:
        self.smtp = smtp
        super().__init__(("127.0.0.1", 0), _Conversation)


@contextmanager
def serving(told: SmtpServer) -> Iterator[SmtpServer]:
    """The server, on a free port, for as long as the block lasts."""
    with _Listening(told) as listening:
        told.port = listening.server_address[1]
        thread = threading.Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield told
        finally:
            listening.shutdown()
            thread.join()


def certificate(folder: Path) -> str:
    """A self-made certificate for 127.0.0.1 and localhost, with its key in the same file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "mail server of the tests")])
    now = datetime.now(UTC)
    names = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1")), x509.DNSName("localhost")])
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), now - timedelta(days=1), now + timedelta(days=1))
        .add_extension(names, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    place = folder / "mail.pem"
    private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    place.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    return str(place)


@pytest.fixture(scope="session")
def mail_certificate(tmp_path_factory: pytest.TempPathFactory) -> str:
    return certificate(tmp_path_factory.mktemp("mail"))


@pytest.fixture
def smtp(mail_certificate: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[SmtpServer]:
    """A running mail server whose certificate is trusted, and whose password the environment holds."""
    monkeypatch.setenv("SSL_CERT_FILE", mail_certificate)
    monkeypatch.setenv("SMTP_PASSWORD", PASSWORD)
    with serving(SmtpServer(certificate=mail_certificate)) as told:
        yield told
