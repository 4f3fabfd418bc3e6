from __future__ import annotations

from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from reporter.core.errors import ReporterError
from reporter.evidence.key import local_key, own_key
from tests.evidence.pack import KEY


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
