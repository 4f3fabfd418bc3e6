from __future__ import annotations

import hashlib
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from reporter.core.errors import ReporterError
from reporter.evidence.key import LocalSigner
from reporter.evidence.seal import LARGEST_SEAL, Seal, broken, read_seal, seal, write_sums
from tests.evidence.pack import KEY, NOW, OTHER, pack, sealed

HELD = (KEY.public_key(),)


@pytest.fixture
def run(tmp_path: Path) -> Path:
    folder = tmp_path / "run-000001"
    pack(folder)
    return folder


def test_an_untouched_pack_holds(run: Path) -> None:
    assert broken(run, HELD) == ""


def test_the_seal_says_what_it_seals(run: Path) -> None:
    said = read_seal(run)
    public = (run / "signing-key.pem").read_bytes()
    assert said == {
        "format": "workload-compliance-reporter seal 1",
        "chain": "main",
        "sequence": "1",
        "run_id": "main-000001",
        "generated_at": "2026-11-24T03:00:00Z",
        "version": "0.1.0",
        "files": "3",
        "sha256-of-SHA256SUMS": hashlib.sha256((run / "SHA256SUMS").read_bytes()).hexdigest(),
        "previous-run_id": "none",
        "sha256-of-previous-SEAL": "none",
        "signing-key-sha256": hashlib.sha256(public).hexdigest(),
        "signing-key": "local key",
    }


def test_the_returned_hash_is_that_of_the_seal(tmp_path: Path) -> None:
    folder = tmp_path / "run-000002"
    assert pack(folder, before="ab" * 32) == hashlib.sha256((folder / "SEAL.txt").read_bytes()).hexdigest()
    assert read_seal(folder)["sha256-of-previous-SEAL"] == "ab" * 32


def _edit_file(run: Path) -> None:
    (run / "results.csv").write_text("check_id\n")


def _edit_deep_file(run: Path) -> None:
    (run / "raw" / "ec2" / "000000-describe.json.zst").write_bytes(b"")


def _edit_file_and_list(run: Path) -> None:
    _edit_file(run)
    write_sums(run)


def _edit_list_and_seal(run: Path) -> None:
    _edit_file_and_list(run)
    text = (run / "SEAL.txt").read_text()
    was, now = read_seal(run)["sha256-of-SHA256SUMS"], hashlib.sha256((run / "SHA256SUMS").read_bytes()).hexdigest()
    (run / "SEAL.txt").write_text(text.replace(was, now))


def _seal_again_with_another_key(run: Path) -> None:
    _edit_file(run)
    sealed(run, Seal("main", 1, "main-000001", NOW, "0.1.0"), OTHER)


def _link_instead_of_file(run: Path) -> None:
    outside = run.parent / "outside.csv"
    (run / "results.csv").rename(outside)
    (run / "results.csv").symlink_to(outside)


@pytest.mark.parametrize(
    ("tamper", "said"),
    [
        (_edit_file, "files changed: ['results.csv']"),
        (_edit_deep_file, "files changed: ['raw/ec2/000000-describe.json.zst']"),
        (_edit_file_and_list, "SHA256SUMS is not the list that was sealed"),
        (_edit_list_and_seal, "the signature is not of this chain's key"),
        (_seal_again_with_another_key, "the signature is not of this chain's key"),
        (_link_instead_of_file, "files changed: ['results.csv']"),
        (lambda run: (run / "extra.csv").write_text("x"), "files added ['extra.csv'], files gone []"),
        (lambda run: (run / "raw" / "SHA256SUMS").write_text("x"), "files added ['raw/SHA256SUMS'], files gone []"),
        (lambda run: (run / "nowhere").symlink_to("/nonexistent"), "files added ['nowhere'], files gone []"),
        (lambda run: (run / "everything").symlink_to("/"), "files added ['everything'], files gone []"),
        (lambda run: os.mkfifo(run / "pipe"), "files added ['pipe'], files gone []"),
        (lambda run: (run / "results.csv").unlink(), "files added [], files gone ['results.csv']"),
        (lambda run: (run / "results.csv").rename(run / "other.csv"), "files added ['other.csv'], files gone ['results.csv']"),
        (lambda run: (run / "SEAL.txt").unlink(), "the pack cannot be read"),
        (lambda run: (run / "SEAL.txt.sig").unlink(), "the pack cannot be read"),
        (lambda run: (run / "SHA256SUMS").unlink(), "the pack cannot be read"),
        (lambda run: (run / "SEAL.txt").write_text("nothing of the kind"), "the pack cannot be read: not a seal"),
        (lambda run: (run / "SEAL.txt").write_bytes(b""), "the pack cannot be read: not a seal"),
        (lambda run: (run / "SEAL.txt").write_bytes(b"a: \xff\n"), "the pack cannot be read"),
        (lambda run: (run / "SEAL.txt.sig").write_bytes(b"not a signature"), "the signature is not of this chain's key"),
    ],
)
def test_tampering_is_seen(run: Path, tamper: Callable[[Path], object], said: str) -> None:
    tamper(run)
    assert broken(run, HELD).startswith(said)


def test_a_pack_of_another_key_does_not_hold(run: Path) -> None:
    assert broken(run, [OTHER.public_key()]) == "the signature is not of this chain's key"


def test_a_list_in_another_form_is_no_list_even_when_it_was_sealed(run: Path) -> None:
    (run / "SHA256SUMS").write_text("one name only\n")
    said = dict(read_seal(run), **{"sha256-of-SHA256SUMS": hashlib.sha256((run / "SHA256SUMS").read_bytes()).hexdigest()})
    text = "".join(f"{name}: {value}\n" for name, value in said.items()).encode()
    from cryptography.hazmat.primitives import hashes

    (run / "SEAL.txt").write_bytes(text)
    (run / "SEAL.txt.sig").write_bytes(KEY.sign(text, ec.ECDSA(hashes.SHA256())))
    assert broken(run, HELD) == "the pack cannot be read: SHA256SUMS is not in GNU's form"


@pytest.mark.parametrize("tampered", [False, True])
def test_openssl_and_sha256sum_say_the_same_without_anything_of_ours(run: Path, program: Callable[[str], str], tampered: bool) -> None:
    public = run.parent / "key-the-auditor-holds.pem"
    public.write_bytes((run / "signing-key.pem").read_bytes())
    verify = [program("openssl"), "dgst", "-sha256", "-verify", str(public), "-signature", "SEAL.txt.sig", "SEAL.txt"]
    check = [program("sha256sum"), "-c", "--strict", "--quiet", "SHA256SUMS"]
    if tampered:
        _edit_file(run)
        (run / "SEAL.txt").write_text((run / "SEAL.txt").read_text().replace("sequence: 1", "sequence: 2"))
    for command in (verify, check):
        assert (subprocess.run(command, cwd=run, capture_output=True, check=False).returncode == 0) is not tampered


def test_the_same_files_give_the_same_list(tmp_path: Path) -> None:
    lists = []
    for name, order in (("a", ("b.csv", "a.csv", "A/z")), ("b", ("A/z", "a.csv", "b.csv"))):
        folder = tmp_path / name
        (folder / "A").mkdir(parents=True)
        for file in order:
            (folder / file).write_text(file)
        assert write_sums(folder) == 3
        lists.append((folder / "SHA256SUMS").read_bytes())
    assert lists[0] == lists[1]


def test_a_seal_too_large_for_a_key_service_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ReporterError, match="signs at most 4096"):
        seal(tmp_path, Seal("main", 1, "main-000001", NOW, "0.1.0"), LocalSigner(KEY, "k" * LARGEST_SEAL))
    assert not (tmp_path / "SEAL.txt").exists()
