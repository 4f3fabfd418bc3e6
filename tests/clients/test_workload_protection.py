from __future__ import annotations

import json
import ssl
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from reporter.clients.workload_protection import Gone, RateWindow, WpClient, WpReader
from reporter.core.action import Refused
from reporter.core.call import Calls
from reporter.core.errors import Denied, ScheduleError, Unavailable
from reporter.core.secret import remember
from tests.clients.aws_server import Answer, AwsServer, page, server
from tests.clients.wp_sandbox import KEY, Tenant, tenant

__all__ = ["server", "tenant"]

SEARCH = "POST /api/computers/search"


def scripted(server: AwsServer, **changes: Any) -> WpReader:
    given: dict[str, Any] = {"auth": "api-key", "key": KEY, "patience": 0.0, "timeout": 5.0}
    return WpClient("main", f"{server.url}/api/", **{**given, **changes}).reader("wp_computers")


def computers(reader: WpReader, page: int = 2) -> list[int]:
    return [item["ID"] for item in reader.search("/computers", "computers", right="view computers", page=page)]


def test_every_page_is_read_by_id_until_one_is_empty(tenant: Tenant) -> None:
    tenant.seed("computers", *({"ID": number} for number in (9, 3, 4, 7, 12)))
    reader = tenant.reader()
    assert computers(reader) == [3, 4, 7, 9, 12]
    assert (reader.calls, reader.retries) == (4, 0)


def test_an_empty_collection_is_no_rows(tenant: Tenant) -> None:
    assert computers(tenant.reader()) == []


def test_search_asks_in_order_of_id_after_the_last_one_with_what_it_was_told(server: AwsServer) -> None:
    server.on(SEARCH, page(computers=[{"ID": 5}]), page(computers=[]))
    scripted(server).search("/computers", "computers", right="view", expand=("computerStatus", "firewall"), page=1000, overrides="false")
    first, second = server.asked(SEARCH)
    assert first.json == {"maxItems": 1000, "sortByObjectID": True, "searchCriteria": [{"idTest": "greater-than", "idValue": 0}]}
    assert second.json["searchCriteria"] == [{"idTest": "greater-than", "idValue": 5}]
    assert (first.headers["api-version"], first.headers["authorization"]) == ("v1", f"ApiKey {KEY}")


def test_search_criteria_hold_on_every_page(tenant: Tenant) -> None:
    tenant.seed("computers", *({"ID": number, "policyID": number % 2} for number in range(1, 8)))
    criteria = [{"fieldName": "policyID", "numericTest": "equal", "numericValue": 1}]
    found = tenant.reader().search("/computers", "computers", right="view", page=2, where=criteria)
    assert [item["ID"] for item in found] == [1, 3, 5, 7]


def test_an_object_that_is_not_there_is_told_apart_from_one_that_cannot_be_read(tenant: Tenant) -> None:
    with pytest.raises(Gone, match="status 404"):
        tenant.reader().get("/computers/9", right="view")
    tenant.fault("error")
    with pytest.raises(Unavailable, match="status 500") as caught:
        tenant.reader().get("/computers/9", right="view")
    assert not isinstance(caught.value, Gone)


def test_a_key_of_the_other_mode_travels_in_its_own_header(server: AwsServer) -> None:
    server.on("GET /api/apikeys/current", page(ID=1))
    scripted(server, auth="api-secret-key").get("/apikeys/current", right="view keys")
    (request,) = server.requests
    assert request.headers["api-secret-key"] == KEY
    assert "authorization" not in request.headers


@pytest.mark.parametrize(
    ("fault", "permission"),
    [("access_denied", "view computers"), ("expired", "a valid API key")],
)
def test_a_refusal_is_denied_and_names_what_to_grant(tenant: Tenant, fault: str, permission: str) -> None:
    tenant.fault(fault)
    with pytest.raises(Denied) as caught:
        computers(tenant.reader())
    assert caught.value.permission == permission
    assert "tenant main" in caught.value.message
    assert KEY not in caught.value.message


def test_a_wrong_key_is_denied(tenant: Tenant) -> None:
    with pytest.raises(Denied, match="refused"):
        computers(tenant.reader(key="another"))


@pytest.mark.parametrize("fault", ["throttle", "malformed", "truncated", "reset", "not_enabled"])
def test_what_cannot_be_believed_is_unavailable(tenant: Tenant, fault: str) -> None:
    tenant.seed("computers", {"ID": 1})
    tenant.fault(fault)
    with pytest.raises(Unavailable, match="POST /computers/search at tenant main"):
        computers(tenant.reader())


def test_a_call_that_hangs_is_unavailable(tenant: Tenant) -> None:
    tenant.fault("timeout")
    with pytest.raises(Unavailable, match="ReadTimeout"):
        computers(tenant.reader(timeout=0.2))


def test_a_page_that_fails_after_good_ones_makes_the_whole_search_unavailable(tenant: Tenant) -> None:
    tenant.seed("computers", {"ID": 1}, {"ID": 2}, {"ID": 3})
    reader = tenant.reader()
    assert computers(reader, page=1) == [1, 2, 3]
    tenant.fault("throttle", times=1)
    with pytest.raises(Unavailable):
        computers(reader, page=1)


@pytest.mark.parametrize("fault", ["throttle", "reset"])
def test_a_passing_fault_is_repeated_and_counted(tenant: Tenant, fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "sleep", lambda _: None)
    tenant.seed("computers", {"ID": 1})
    tenant.fault(fault, times=2)
    reader = tenant.reader(patience=600)
    assert computers(reader) == [1]
    assert (reader.calls, reader.retries) == (2, 2)


@pytest.mark.parametrize(
    "body",
    [
        b"[]",
        b"null",
        b'{"computers": null}',
        b'{"computers": {"ID": 1}}',
        b'{"computers": [7]}',
        b'{"computers": [{"hostName": "no id"}]}',
        b'{"computers": [{"ID": true}]}',
        b'{"computers": [{"ID": "1"}]}',
        b'{"computers": [{"ID": 2}, {"ID": 1}]}',
        b'{"computers": [{"ID": 2}, {"ID": 2}]}',
        b'{"computers": [{"ID": 0}]}',
        b'{"computers": [',
        b"",
        b"\xff\xfe{",
        b"[" * 200_000,
    ],
)
def test_a_page_of_another_form_is_unavailable(server: AwsServer, body: bytes) -> None:
    server.on(SEARCH, Answer(body))
    with pytest.raises(Unavailable, match="tenant main"):
        computers(scripted(server))


def test_a_server_that_gives_the_same_page_for_ever_is_unavailable(server: AwsServer) -> None:
    server.on(SEARCH, page(computers=[{"ID": 5}, {"ID": 6}]))
    with pytest.raises(Unavailable, match="page 2 is not in order"):
        computers(scripted(server))


def test_a_redirect_is_never_followed_because_the_key_would_travel_along(server: AwsServer) -> None:
    server.on(SEARCH, Answer(b"", 307, headers=(("Location", f"{server.url}/elsewhere"),)))
    with pytest.raises(Unavailable, match="status 307"):
        computers(scripted(server))
    assert [request.key for request in server.requests] == [SEARCH]


def test_half_a_surrogate_pair_is_no_text_and_becomes_a_question_mark(server: AwsServer) -> None:
    server.on("GET /api/roles/1", Answer(b'{"name": "a\\ud800b", "pair": "\\uD83D\\uDE00"}'))
    assert scripted(server).get("/roles/1", right="view") == {"name": "a?b", "pair": "\N{GRINNING FACE}"}


def test_raw_answers_are_kept_as_received_in_the_order_of_the_items(tenant: Tenant) -> None:
    tenant.seed("policies", *({"ID": number, "name": f"p{number}"} for number in range(1, 21)))
    reader = tenant.reader("wp_policies")
    items = reader.search("/policies", "policies", right="view")
    names = reader.map(lambda item: reader.get(f"/policies/{item['ID']}", right="view")["name"], reversed(items))
    assert names == [f"p{number}" for number in range(20, 0, -1)]
    assert [answer.sequence for answer in tenant.answers] == list(range(22))
    assert [answer.operation for answer in tenant.answers] == [
        "policies-search-0001",
        "policies-search-0002",
        *(f"policies-{number}" for number in range(20, 0, -1)),
    ]
    assert {(answer.account, answer.region, answer.source, answer.service) for answer in tenant.answers} == {("main", "-", "wp_policies", "wp")}
    assert json.loads(tenant.answers[-1].body)["name"] == "p1"
    assert reader.calls == 22


def test_the_first_error_of_a_map_ends_it(tenant: Tenant) -> None:
    reader = tenant.reader("wp_policies")
    with pytest.raises(Unavailable, match="status 404"):
        reader.map(lambda number: reader.get(f"/policies/{number}", right="view"), range(1, 4))


def test_a_reader_works_without_a_record(tenant: Tenant) -> None:
    assert computers(tenant.reader(raw=None)) == []


def test_a_source_that_would_redact_is_refused_rather_than_kept_whole(tenant: Tenant) -> None:
    with pytest.raises(ValueError, match="redactions"):
        tenant.client().reader("wp_computers", ("computers[].hostName",))


def test_the_rate_window_makes_a_caller_wait_its_turn() -> None:
    clock = [100.0]
    slept: list[float] = []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        clock[0] += seconds

    window = RateWindow(2, clock=lambda: clock[0], sleep=sleep)
    window.wait()
    clock[0] += 10
    window.wait()
    window.wait()
    assert slept == [50.0]
    window.wait()
    assert slept == [50.0, 10.0]


# --- TLS -----------------------------------------------------------------------------------------------------------------------------------


def _certificate(folder: Path) -> tuple[Path, Path]:
    """A self-signed certificate for 127.0.0.1 and its key."""
    from ipaddress import ip_address

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    certificate, secret = folder / "cert.pem", folder / "key.pem"
    certificate.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    secret.write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
    return certificate, secret


class _Keys(BaseHTTPRequestHandler):
    """Answers every GET, and remembers the headers it came with."""

    seen: list[dict[str, str]] = []  # noqa: RUF012  # emptied by the fixture

    def do_GET(self) -> None:
        self.seen.append(dict(self.headers.items()))
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # the library's name
        return


@pytest.fixture
def tls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, Path]]:
    """A server behind TLS: its URL, and the file that its certificate is in."""
    certificate, secret = _certificate(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, secret)
    http = HTTPServer(("127.0.0.1", 0), _Keys)
    http.socket = context.wrap_socket(http.socket, server_side=True)
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "HTTPS_PROXY", "https_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    _Keys.seen.clear()
    yield f"https://127.0.0.1:{http.server_port}", certificate
    http.shutdown()
    thread.join()
    http.server_close()


def test_a_certificate_that_nobody_vouches_for_is_unavailable(tls: tuple[str, Path]) -> None:
    reader = WpClient("main", tls[0], "api-key", KEY, patience=0).reader("wp_roles")
    with pytest.raises(Unavailable, match="SSLError"):
        reader.get("/apikeys/current", right="view")
    assert _Keys.seen == []


def test_a_netrc_entry_for_the_host_does_not_replace_the_key(tls: tuple[str, Path], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login somebody password else\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tls[1]))
    WpClient("main", tls[0], "api-key", KEY, patience=0).reader("wp_roles").get("/apikeys/current", right="view")
    assert [headers["Authorization"] for headers in _Keys.seen] == [f"ApiKey {KEY}"]


OLD, NEW = "the-key-of-yesterday", "the-key-of-today"


@pytest.mark.parametrize("status", [401, 403])
def test_a_key_that_was_rotated_is_read_again_once_and_the_call_repeated(server: AwsServer, status: int) -> None:
    server.on(SEARCH, lambda asked: page(computers=[]) if NEW in asked.headers["authorization"] else Answer(b"{}", status))
    read, told = list[str](), list[str]()

    def renew() -> str:
        read.append("read")
        return NEW

    reader = scripted(server, key=OLD, renew=renew, told=told.append)
    assert (computers(reader), computers(reader)) == ([], [])
    assert (read, reader.calls, reader.retries) == (["read"], 2, 1)
    assert told == [f"the key of tenant main was refused (status {status}) and read again: it is another one, which is used from now on"]


def test_a_change_that_was_refused_is_made_with_the_new_key(server: AwsServer) -> None:
    server.on("POST /api/scheduledtasks", lambda asked: page(ID=1) if NEW in asked.headers["authorization"] else Answer(b"{}", 401))
    client = WpClient("main", f"{server.url}/api", "api-key", OLD, patience=0, timeout=5, renew=lambda: NEW)
    assert client.write("POST", "/scheduledtasks", {}, right="create tasks", repeatable=False) == {"ID": 1}
    assert len(server.asked("POST /api/scheduledtasks")) == 2


@pytest.mark.parametrize(("renewed", "said"), [(OLD, "it is the same"), (ScheduleError("ssm:/wp cannot be read: AccessDenied"), "cannot be read")])
def test_a_key_that_is_refused_and_not_rotated_stays_denied_and_is_read_again_once(server: AwsServer, renewed: Any, said: str) -> None:
    server.on(SEARCH, Answer(b"{}", 403))
    read, told = list[str](), list[str]()

    def renew() -> str:
        read.append("read")
        if isinstance(renewed, ScheduleError):
            raise renewed
        return OLD

    reader = scripted(server, key=OLD, renew=renew, told=told.append)
    for _ in range(3):
        with pytest.raises(Denied):
            computers(reader)
    assert (len(server.asked(SEARCH)), read, len(told)) == (3, ["read"], 1)
    assert said in told[0]


def test_keys_that_take_turns_end_the_asking(server: AwsServer) -> None:
    server.on(SEARCH, Answer(b"{}", 401))
    turns = iter([NEW, OLD, NEW, OLD])
    with pytest.raises(Denied):
        computers(scripted(server, key=OLD, renew=lambda: next(turns)))
    assert len(server.asked(SEARCH)) == 3


def test_a_server_that_answers_with_the_key_does_not_bring_it_into_a_report(server: AwsServer) -> None:
    remember(OLD)
    server.on("POST /api/scheduledtasks", Answer(json.dumps({"message": f"no good key: {OLD}"}).encode(), 400))
    client = WpClient("main", f"{server.url}/api", "api-key", OLD, patience=0, timeout=5)
    with pytest.raises(Refused) as caught:
        client.write("POST", "/scheduledtasks", {}, right="create tasks", repeatable=False)
    assert caught.value.message.endswith("no good key: [secret]")


def test_throttled_answers_are_counted(server: AwsServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "sleep", lambda _: None)
    server.on(SEARCH, Answer(b"{}", 429), Answer(b"{}", 503), Answer(b"{}", 429), page(computers=[]))
    calls = Calls()
    computers(scripted(server, patience=600, log=calls))
    assert calls.sent() == (4, 2)
