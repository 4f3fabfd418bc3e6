from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from reporter.clients.store import FolderStore
from reporter.core.errors import ReporterError
from reporter.evidence.key import (
    LOCAL,
    LocalSigner,
    fingerprint,
    fingerprint_of_next,
    known_keys,
    local_key,
    open_signer,
    own_key,
    remember_key,
)
from reporter.schedule import Evidence
from tests.evidence.pack import KEY, OTHER


def test_a_key_is_made_once_for_its_owner_only_and_then_used_again(tmp_path: Path) -> None:
    path = tmp_path / ".state" / "main-signing-key.pem"
    made = own_key(path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert own_key(path).private_numbers() == made.private_numbers()


def _pem(key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey, password: bytes = b"") -> bytes:
    locked = serialization.BestAvailableEncryption(password) if password else serialization.NoEncryption()
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, locked)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "cannot be read"),
        (b"not a key", "cannot be read"),
        (_pem(KEY, b"secret"), "cannot be read"),
        (_pem(ec.generate_private_key(ec.SECP384R1())), "is not an EC P-256 key"),
        (_pem(rsa.generate_private_key(65537, 2048)), "is not an EC P-256 key"),
    ],
)
def test_a_file_that_holds_no_such_key_is_a_message_and_is_left_alone(tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "key.pem"
    path.write_bytes(content)
    with pytest.raises(ReporterError, match=said) as caught:
        local_key(path)
    assert caught.value.where == str(path)
    assert path.read_bytes() == content


def test_a_folder_instead_of_a_key_is_a_message(tmp_path: Path) -> None:
    with pytest.raises(ReporterError, match="the signing key cannot be read: Is a directory"):
        local_key(tmp_path)


def test_the_schedule_names_the_key_by_default_the_chains_own_beside_its_runs(tmp_path: Path) -> None:
    own = open_signer(Evidence(chain="prod"), tmp_path)
    assert fingerprint(own.public) == fingerprint(local_key(tmp_path / ".state" / "prod-signing-key.pem").public_key())
    assert own.label == LOCAL
    (tmp_path / "held.pem").write_bytes(_pem(KEY))
    assert fingerprint(open_signer(Evidence(key=f"file:{tmp_path}/held.pem"), tmp_path).public) == fingerprint(KEY.public_key())
    with pytest.raises(ReporterError, match="the signing key cannot be read: No such file"):
        open_signer(Evidence(key=f"file:{tmp_path}/not-mounted.pem"), tmp_path)
    assert not (tmp_path / "not-mounted.pem").exists()


def test_the_next_key_is_named_by_its_fingerprint_and_never_made(tmp_path: Path) -> None:
    assert fingerprint_of_next(Evidence()) == ""
    next_one = Evidence(next_key=f"file:{tmp_path}/next.pem")
    with pytest.raises(ReporterError, match="the signing key cannot be read: No such file"):
        fingerprint_of_next(next_one)
    (tmp_path / "next.pem").write_bytes(_pem(OTHER))
    assert fingerprint_of_next(next_one) == fingerprint(OTHER.public_key())


def test_of_two_runs_that_make_the_key_at_once_both_have_the_first_one(tmp_path: Path) -> None:
    together = threading.Barrier(4, timeout=30)

    def make(_: int) -> str:
        together.wait()
        return fingerprint(own_key(tmp_path / "key.pem").public_key())

    with ThreadPoolExecutor(4) as threads:
        assert len(set(threads.map(make, range(4)))) == 1


def test_the_state_keeps_public_keys_and_passes_over_what_is_none(tmp_path: Path) -> None:
    store = FolderStore(tmp_path)
    remember_key(store, LocalSigner(OTHER))
    store.create("signing-keys/x.pem", b"no key")
    known = known_keys(store, LocalSigner(KEY))
    assert [fingerprint(key) for key in known] == [fingerprint(KEY.public_key()), fingerprint(OTHER.public_key())]
