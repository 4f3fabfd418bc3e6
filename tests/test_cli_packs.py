"""`reporter verify` and `reporter sample`, as they are called."""

from __future__ import annotations

import csv
import io
import shutil
from pathlib import Path

import pytest

from reporter.cli import main
from reporter.evidence.zipped import write
from tests.evidence.chains import chain, public_pem
from tests.evidence.pack import KEY, OTHER

FINGERPRINT = "ab" * 32


@pytest.fixture(autouse=True)
def _out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    chain(Path("out"))
    Path("held.pem").write_bytes(public_pem())
    Path("other.pem").write_bytes(public_pem(OTHER))
    Path("keys").mkdir()
    Path("empty").mkdir()
    for name in ("held.pem", "other.pem"):
        Path("keys", name).write_bytes(Path(name).read_bytes())
    Path("rsa.pem").write_text("-----BEGIN PUBLIC KEY-----\nx\n-----END PUBLIC KEY-----\n")


PACKS = [f"out/run-00000{number}" for number in (1, 2, 3)]


def said(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    code = main(list(arguments))
    captured = capsys.readouterr()
    assert "Traceback" not in captured.err + captured.out
    return code, captured.out, captured.err


def test_packs_that_hold_exit_with_0_one_line_each_in_the_order_of_the_chain(capsys: pytest.CaptureFixture[str]) -> None:
    write(Path(PACKS[1]), Path("two.zip"))
    code, out, err = said(capsys, "verify", PACKS[2], "two.zip", PACKS[0], "--key", "held.pem")
    assert (code, err) == (0, "")
    assert [line.split()[:3] for line in out.splitlines()[:3]] == [
        ["OK", PACKS[0], "main-000001"],
        ["OK", "two.zip", "main-000002"],
        ["OK", PACKS[2], "main-000003"],
    ]


def test_one_pack_with_a_flaw_exits_with_1_and_the_others_are_checked_all_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    (Path(PACKS[1]) / "results.csv").write_text("x")
    code, out, _ = said(capsys, "verify", *PACKS, "--key", "held.pem")
    assert code == 1
    assert [line.split()[0] for line in out.splitlines() if line.startswith(("OK", "FAIL"))] == ["OK", "FAIL", "OK"]
    assert "main-000002  file-changed\n" in out


@pytest.mark.parametrize(
    ("trust", "code"),
    [
        ((), 0),
        (("--key", "held.pem"), 0),
        (("--key", "other.pem"), 1),
        (("--key", "other.pem", "--key", "held.pem"), 0),
        (("--key", "keys"), 0),
        (("--fingerprint", FINGERPRINT), 1),
        (("--fingerprint", FINGERPRINT, "--key", "held.pem"), 0),
    ],
)
def test_a_key_that_is_held_decides(capsys: pytest.CaptureFixture[str], trust: tuple[str, ...], code: int) -> None:
    assert said(capsys, "verify", *PACKS, *trust)[0] == code


def test_a_fingerprint_is_taken_as_it_is_printed_with_colons_and_in_capitals(capsys: pytest.CaptureFixture[str]) -> None:
    _, out, _ = said(capsys, "verify", PACKS[0])
    printed = out.split("the one you hold:\n")[1].split()[0]
    colons = ":".join(printed[at : at + 2] for at in range(0, 64, 2)).upper()
    for text in (printed, colons):
        assert said(capsys, "verify", PACKS[0], "--fingerprint", text)[0] == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("verify",), "Missing argument 'PACK...'"),
        (("verify", "none"), "'none' does not exist"),
        (("verify", PACKS[0], "--key", "none.pem"), "the key cannot be read: No such file or directory"),
        (("verify", PACKS[0], "--key", "empty"), "the folder holds no key"),
        (("verify", PACKS[0], "--key", "rsa.pem"), "this is no EC P-256 public key"),
        (("verify", PACKS[0], "--fingerprint", "abc"), "'abc' is no SHA-256"),
        (("sample", PACKS[0]), "Missing option '--seed'"),
        (("sample", PACKS[0], "--seed", "s"), "Missing option '--size'"),
        (("sample", PACKS[0], "--seed", "s", "--size", "0"), "--size"),
        (("sample", PACKS[0], "--seed", "$(id)", "--size", "1"), "the seed must be plain"),
        (("sample", PACKS[0], "--seed", "s", "--size", "1", "--out", f"{PACKS[0]}/raw"), "would lie in the pack itself"),
        (("sample", PACKS[0], "--seed", "s", "--size", "1", "--out", "out"), "the folder is not empty"),
        (("sample", PACKS[0], "--seed", "s", "--size", "1", "--key", "held.csv"), "the key cannot be read"),
    ],
)
def test_a_wrong_call_exits_with_2_and_says_what_to_change(capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], message: str) -> None:
    code, out, err = said(capsys, *arguments)
    assert code == 2
    assert message in err + out


def test_a_private_key_is_not_what_an_auditor_holds(capsys: pytest.CaptureFixture[str]) -> None:
    from cryptography.hazmat.primitives import serialization

    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    Path("private.pem").write_bytes(KEY.private_bytes(*form))
    assert said(capsys, "verify", PACKS[0], "--key", "private.pem")[0] == 2


def test_a_sample_is_printed_as_csv_and_the_rest_goes_to_the_other_channel(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = said(capsys, "sample", PACKS[0], "--seed", "s", "--size", "2", "--key", "held.pem")
    assert code == 0
    assert [row["rank"] for row in csv.DictReader(io.StringIO(out))] == ["1", "2"]
    assert "sha256sum" in err


def test_a_sample_with_out_is_a_folder_that_is_named_last(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = said(capsys, "sample", PACKS[0], "--seed", "s", "--size", "2", "--out", "sample")
    assert (code, out.splitlines()[-1]) == (0, "sample")
    assert "proves nothing about who signed" in out
    printed = said(capsys, "sample", PACKS[0], "--seed", "s", "--size", "2")[1]
    assert Path("sample/sample.csv").read_text() == printed
    assert len(list(Path("sample/trace").iterdir())) == 2


def test_a_sample_of_a_pack_that_does_not_hold_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    shutil.rmtree(Path(PACKS[0]) / "raw")
    code, out, err = said(capsys, "sample", PACKS[0], "--seed", "s", "--size", "2", "--out", "sample")
    assert (code, out) == (1, "")
    assert "the pack does not hold: file-missing" in err
    assert not Path("sample").exists()
