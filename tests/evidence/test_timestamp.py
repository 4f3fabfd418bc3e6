"""Time stamps against an authority of openssl's own, behind a server on this machine."""

from __future__ import annotations

import hashlib
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from reporter.clients.store import FolderStore
from reporter.evidence import timestamp
from reporter.evidence.folder import building
from reporter.evidence.seal import Seal
from reporter.evidence.verify import check, told
from reporter.evidence.zipped import write
from reporter.reports import readme
from reporter.schedule import Evidence
from tests.clients.aws_server import Answer, AwsServer, Request, server
from tests.evidence.chains import HELD, commands, programs
from tests.evidence.pack import NOW
from tests.reports.views import view
from tests.sealed_runs import sealing

__all__ = ["server"]

CONFIG = """
[tsa]
default_tsa = own
[own]
serial = {place}/serial
signer_cert = {place}/tsa.pem
certs = {place}/tsa.pem
signer_key = {place}/tsa.key
signer_digest = sha256
default_policy = 1.3.6.1.4.1.99999.1
digests = sha256
ess_cert_id_alg = sha256
[ca]
basicConstraints = critical,CA:true
[usage]
extendedKeyUsage = critical,timeStamping
[req]
distinguished_name = name
[name]
"""


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an authority's certificate, key and settings."""
    place = tmp_path_factory.mktemp("tsa")
    (place / "tsa.conf").write_text(CONFIG.format(place=place))
    (place / "serial").write_text("01")
    run = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "36500", "-config"]
    made = [str(place / "tsa.conf"), "-extensions", "usage", "-subj", "/CN=TSA", "-keyout", str(place / "tsa.key"), "-out", str(place / "tsa.pem")]
    subprocess.run([*run, *made], check=True, capture_output=True)
    return place


@pytest.fixture
def answering(server: AwsServer, authority: Path) -> AwsServer:
    def reply(request: Request) -> Answer:
        assert request.headers["content-type"] == "application/timestamp-query"
        (authority / "query").write_bytes(request.body)
        made = ["openssl", "ts", "-reply", "-config", str(authority / "tsa.conf"), "-section", "own", "-queryfile", str(authority / "query")]
        subprocess.run([*made, "-out", str(authority / "reply")], check=True, capture_output=True)
        return Answer((authority / "reply").read_bytes(), content_type="application/timestamp-reply")

    server.on("POST /tsa", reply)
    return server


def stamped(out: Path, url: str) -> tuple[Path, str]:
    """A sealed run, and why it has no time stamp."""
    at = sealing(out, FolderStore(out / ".state"), evidence=Evidence(tsa_url=f"{url}/tsa"))
    with building(out) as (folder, number):
        readme.write(folder, view(run_id="main-000001", kind="scheduled"))
        return at.seal(folder, Seal("main", number, "main-000001", NOW, "0.1.0"), lambda _: None)


def test_a_seal_is_stamped_and_openssl_and_verify_say_so(
    answering: AwsServer, authority: Path, tmp_path: Path, program: Callable[[str], str]
) -> None:
    assert program("openssl")
    run, missing = stamped(tmp_path, answering.url)
    assert missing == ""
    steps = commands((run / "README.txt").read_text(encoding="ascii"))
    environment = {"PATH": str(programs()), "TSA": str(authority / "tsa.pem"), "LC_ALL": "C"}
    shell = [str(programs() / "sh"), "-c"]
    done = subprocess.run([*shell, steps[6]], cwd=run, capture_output=True, text=True, check=False, env=environment)
    assert "Verification: OK" in done.stdout + done.stderr
    assert subprocess.run([*shell, steps[4]], cwd=run, capture_output=True, text=True, check=False, env=environment).stdout == ""
    pack = check(run, HELD)
    assert pack.words() == []
    assert pack.stamped is not None
    assert "time stamp 20" in told([pack], HELD)[0]
    write(run, tmp_path / "one.zip")
    assert check(tmp_path / "one.zip", HELD).stamped == pack.stamped


@pytest.mark.parametrize(
    "spoil", [lambda data: data[:40], lambda data: b"", lambda data: data.replace(b"\x04\x20", b"\x04\x21"), lambda data: b"x" * 99]
)
def test_a_stamp_that_is_not_over_this_signature_is_a_flaw(answering: AwsServer, tmp_path: Path, spoil: Callable[[bytes], bytes]) -> None:
    run, _ = stamped(tmp_path, answering.url)
    stamp = run / "SEAL.txt.sig.tsr"
    stamp.write_bytes(spoil(stamp.read_bytes()))
    assert check(run, HELD).words() == ["timestamp"]


def test_the_stamp_of_another_pack_is_a_flaw(answering: AwsServer, tmp_path: Path) -> None:
    (one_run, _), (other, _) = stamped(tmp_path / "one", answering.url), stamped(tmp_path / "other", answering.url)
    (one_run / "SEAL.txt.sig.tsr").write_bytes((other / "SEAL.txt.sig.tsr").read_bytes())
    assert check(one_run, HELD).words() == ["timestamp"]


REFUSED = bytes.fromhex("30053003020102")


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (Answer(b"no", 503), "HTTP status 503"),
        (Answer(b"", fault="reset"), "ConnectionError"),
        (Answer(b"<html>"), "it ends too early"),
        (Answer(REFUSED), "the authority refuses: status 2"),
        (Answer(b"x" * (300 << 10)), "larger than a time stamp"),
    ],
)
def test_an_authority_that_gives_none_is_said_and_the_pack_is_whole_without(server: AwsServer, tmp_path: Path, answer: Answer, said: str) -> None:
    server.on("POST /tsa", answer)
    run, missing = stamped(tmp_path, server.url)
    assert missing.startswith("the seal has no time stamp: ")
    assert said in missing
    assert check(run, HELD).words() == []
    assert not (run / "SEAL.txt.sig.tsr").exists()


def test_an_old_answer_is_not_taken_for_a_new_one(answering: AwsServer, authority: Path, tmp_path: Path) -> None:
    stamped(tmp_path / "one", answering.url)
    answering.on("POST /tsa", Answer((authority / "reply").read_bytes()))
    assert stamped(tmp_path / "other", answering.url)[1] == "the seal has no time stamp: the authority stamped something else"


def test_openssl_reads_the_query_as_it_is_meant(tmp_path: Path, program: Callable[[str], str]) -> None:
    imprint = hashlib.sha256(b"x").digest()
    (tmp_path / "query").write_bytes(timestamp.query(imprint, 0x80FF))
    text = subprocess.run(
        [program("openssl"), "ts", "-query", "-in", str(tmp_path / "query"), "-text"], capture_output=True, text=True, check=True
    ).stdout
    assert "Hash Algorithm: sha256" in text
    assert "Nonce: 0x80FF" in text
    assert "Certificate required: yes" in text
