"""Every way to tamper with packs, seen by `reporter verify` and by the README's commands with openssl and sha256sum."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st

from reporter.core.errors import ReporterError
from reporter.evidence.contents import contents
from reporter.evidence.flaws import MEANS, Flaw
from reporter.evidence.inspected import Checked
from reporter.evidence.key import fingerprint
from reporter.evidence.seal import LARGEST_SEAL, Seal, sha256, write_sums
from reporter.evidence.trust import Trust
from reporter.evidence.verify import chained, check, require_whole, told, verify
from tests.evidence.chains import HELD, chain, commands, failing, public_pem, seal_again, sign
from tests.evidence.pack import KEY, NOW, OTHER, sealed
from tests.examples import examples

Words = dict[str, list[str]]
Tamper = Callable[[Path], object]

TWO = "run-000002"


@pytest.fixture(scope="module")
def untouched(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("chain")
    chain(out)
    (out / "held.pem").write_bytes(public_pem())
    return out


@pytest.fixture
def out(untouched: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(untouched, tmp_path / "out", symlinks=True))


def packs(out: Path) -> list[Path]:
    return [path for path in out.iterdir() if path.name.startswith("run-")]


def words(out: Path, held: Trust = HELD) -> Words:
    """Pack -> what is wrong with it, by the words."""
    return {Path(pack.label).name: pack.words() for pack in verify(packs(out), held) if pack.findings}


def edit(out: Path) -> None:
    (out / TWO / "results.csv").write_text("check_id\n")


def edit_and_list(out: Path) -> None:
    edit(out)
    write_sums(out / TWO)


def edit_list_and_seal(out: Path) -> None:
    edit_and_list(out)
    text = (out / TWO / "SEAL.txt").read_bytes()
    seal_again(out / TWO, OTHER)
    shutil.copy(out / "run-000001" / "SEAL.txt.sig", out / TWO / "SEAL.txt.sig")
    assert (out / TWO / "SEAL.txt").read_bytes() != text


def made_again(out: Path, run: str) -> None:
    """The whole pack, with a key of one's own."""
    sequence = int(run[-1])
    before = check(out / run, HELD).seal
    (out / run / "results.csv").write_text("check_id\n")
    facts = Seal("main", sequence, f"main-{sequence:06d}", NOW, "0.1.0", before["previous-run_id"], before["sha256-of-previous-SEAL"])
    sealed(out / run, facts, OTHER)


def rename(out: Path) -> None:
    (out / TWO / "results.csv").rename(out / TWO / "outcome.csv")


def swap(out: Path) -> None:
    (out / TWO / "results.csv").rename(out / TWO / "x")
    (out / TWO / "instances.csv").rename(out / TWO / "results.csv")
    (out / TWO / "x").rename(out / TWO / "instances.csv")


def line_ends(name: str) -> Tamper:
    return lambda out: (out / TWO / name).write_bytes((out / TWO / name).read_bytes().replace(b"\n", b"\r\n"))


def unix_line_ends(out: Path) -> None:
    (out / TWO / "mail" / "summary.eml").write_bytes((out / TWO / "mail" / "summary.eml").read_bytes().replace(b"\r\n", b"\n"))


def link_to_the_same(out: Path) -> None:
    (out / TWO / "results.csv").rename(out / "elsewhere.csv")
    (out / TWO / "results.csv").symlink_to(out / "elsewhere.csv")


def hidden_by_line_breaks(out: Path) -> None:
    """A file whose name, line by line, looks like files of the list."""
    (out / TWO / "results.csv\n.").mkdir()
    (out / TWO / "results.csv\n." / "run.json").write_text("x")


def forked(out: Path) -> None:
    shutil.copytree(out / TWO, out / "run-000002-b")
    seal_again(out / "run-000002-b", generated_at="2026-11-25T03:00:00Z")


def swapped_packs(out: Path) -> None:
    (out / TWO).rename(out / "x")
    (out / "run-000003").rename(out / TWO)
    (out / "x").rename(out / "run-000003")


TABLE: list[tuple[str, Tamper, Words, dict[str, set[int]]]] = [
    ("nothing", lambda out: None, {}, {}),
    ("file edited", edit, {TWO: ["file-changed"]}, {TWO: {3}}),
    ("file edited and list rewritten", edit_and_list, {TWO: ["list-changed"]}, {TWO: {2}}),
    ("list and seal rewritten", edit_list_and_seal, {TWO: ["signature"], "run-000003": ["chain-broken"]}, {TWO: {1}, "run-000003": {5}}),
    ("file added", lambda out: (out / TWO / "x.csv").write_text("x"), {TWO: ["file-not-listed"]}, {TWO: {4}}),
    ("empty file added deep", lambda out: (out / TWO / "raw" / "ec2" / "x").touch(), {TWO: ["file-not-listed"]}, {TWO: {4}}),
    ("hidden file added", lambda out: (out / TWO / ".x").touch(), {TWO: ["file-not-listed"]}, {TWO: {4}}),
    ("file hidden by line breaks", hidden_by_line_breaks, {TWO: ["file-not-listed"]}, {TWO: {4}}),
    ("file removed", lambda out: (out / TWO / "results.csv").unlink(), {TWO: ["file-missing"]}, {TWO: {3, 4}}),
    ("file renamed", rename, {TWO: ["file-missing", "file-not-listed"]}, {TWO: {3, 4}}),
    ("files swapped", swap, {TWO: ["file-swapped"]}, {TWO: {3}}),
    ("run removed from the middle", lambda out: shutil.rmtree(out / TWO), {"run-000003": ["sequence-gap", "chain-broken"]}, {"run-000003": {5}}),
    ("signature by another key", lambda out: sign(out / TWO, (out / TWO / "SEAL.txt").read_bytes(), OTHER), {TWO: ["signature"]}, {TWO: {1}}),
    ("newest made again by another key", lambda out: made_again(out, "run-000003"), {"run-000003": ["signed-by-another-key"]}, {"run-000003": {1}}),
    (
        "made again by another key",
        lambda out: made_again(out, TWO),
        {TWO: ["signed-by-another-key"], "run-000003": ["chain-broken"]},
        {TWO: {1}, "run-000003": {5}},
    ),
    ("newest run removed: only the mail shows it", lambda out: shutil.rmtree(out / "run-000003"), {}, {}),
    ("oldest run removed: its seal is kept in the next", lambda out: shutil.rmtree(out / "run-000001"), {}, {TWO: {5}}),
    ("line ends of a file", line_ends("results.csv"), {TWO: ["file-line-ends"]}, {TWO: {3}}),
    ("line ends of a mail", unix_line_ends, {TWO: ["file-line-ends"]}, {TWO: {3}}),
    ("line ends of the list", line_ends("SHA256SUMS"), {TWO: ["list-line-ends"]}, {TWO: {2, 4}}),
    (
        "line ends of the seal",
        line_ends("SEAL.txt"),
        {TWO: ["seal-line-ends"], "run-000003": ["chain-broken"]},
        {TWO: {1, 2, 5}, "run-000003": {5}},
    ),
    ("line ends of the key", line_ends("signing-key.pem"), {TWO: ["key-changed"]}, {TWO: {2}}),
    ("key exchanged", lambda out: (out / TWO / "signing-key.pem").write_bytes(public_pem(OTHER)), {TWO: ["key-changed"]}, {TWO: {2}}),
    ("key removed", lambda out: (out / TWO / "signing-key.pem").unlink(), {TWO: ["key-missing"]}, {TWO: {2, 4}}),
    ("no key", lambda out: (out / TWO / "signing-key.pem").write_text("x"), {TWO: ["key-form"]}, {TWO: {2}}),
    ("file as a link", link_to_the_same, {TWO: ["link"]}, {TWO: {4}}),
    ("link added", lambda out: (out / TWO / "all").symlink_to("/"), {TWO: ["link", "file-not-listed"]}, {TWO: {4}}),
    ("dead link added", lambda out: (out / TWO / "x").symlink_to("/nowhere/at/all"), {TWO: ["link", "file-not-listed"]}, {TWO: {4}}),
    ("pipe added", lambda out: os.mkfifo(out / TWO / "pipe"), {TWO: ["link", "file-not-listed"]}, {TWO: {4}}),
    ("second seal", lambda out: shutil.copy(out / TWO / "SEAL.txt", out / TWO / "raw"), {TWO: ["second-seal"]}, {TWO: {4}}),
    ("second seal in small letters", lambda out: shutil.copy(out / TWO / "SEAL.txt", out / TWO / "seal.txt"), {TWO: ["second-seal"]}, {TWO: {4}}),
    ("second list", lambda out: shutil.copy(out / TWO / "SHA256SUMS", out / TWO / "mail"), {TWO: ["second-seal"]}, {TWO: {4}}),
    ("previous seal edited", lambda out: (out / TWO / "previous-SEAL.txt").write_text("x"), {TWO: ["file-changed", "previous-seal"]}, {TWO: {3, 5}}),
    ("previous seal removed", lambda out: (out / TWO / "previous-SEAL.txt").unlink(), {TWO: ["file-missing", "previous-seal"]}, {TWO: {3, 4, 5}}),
    ("seal removed", lambda out: (out / TWO / "SEAL.txt").unlink(), {TWO: ["seal-missing"], "run-000003": ["sequence-gap", "chain-broken"]},
     {TWO: {1, 2, 4, 5}, "run-000003": {5}}),
    ("signature removed", lambda out: (out / TWO / "SEAL.txt.sig").unlink(), {TWO: ["signature-missing"]}, {TWO: {1, 4}}),
    ("list removed", lambda out: (out / TWO / "SHA256SUMS").unlink(), {TWO: ["list-missing"]}, {TWO: {2, 3, 4}}),
    ("packs swapped: their seals say which is which", swapped_packs, {}, {TWO: {5}}),
]  # fmt: skip


@pytest.mark.parametrize(("tamper", "ours", "shell"), [row[1:] for row in TABLE], ids=[row[0] for row in TABLE])
def test_tampering_is_seen_by_verify_and_by_openssl_and_sha256sum(
    out: Path, program: Callable[[str], str], tamper: Tamper, ours: Words, shell: dict[str, set[int]]
) -> None:
    assert program("openssl")
    assert program("sha256sum")
    steps = commands((out / "run-000001" / "README.txt").read_text(encoding="ascii"))
    tamper(out)
    assert words(out) == ours
    assert failing(out, steps, out / "held.pem") == shell


def test_both_languages_name_the_same_commands(out: Path) -> None:
    english = commands((out / TWO / "README.txt").read_text(encoding="ascii"))
    assert sorted(english) == [0, 1, 2, 3, 4, 5, 6]
    assert commands((out / TWO / "LIESMICH.txt").read_text(encoding="utf-8")) == english


def test_the_readme_starts_with_the_key_of_the_pack_so_that_its_commands_run_as_they_stand(out: Path) -> None:
    steps = commands((out / TWO / "README.txt").read_text(encoding="ascii"))
    assert steps[0] == "KEY=signing-key.pem\n"
    assert failing(out, steps, Path("signing-key.pem")) == {}


def test_a_pack_made_again_is_seen_only_against_a_key_that_is_held(out: Path) -> None:
    for run in packs(out):
        shutil.rmtree(run)
    chain(out, key=OTHER)
    assert words(out, Trust()) == {}
    assert words(out) == {run.name: ["signed-by-another-key"] for run in packs(out)}
    assert words(out, Trust(fingerprints=frozenset({fingerprint(KEY.public_key())}))) == words(out)
    assert words(out, Trust(fingerprints=frozenset({fingerprint(OTHER.public_key())}))) == {}


def test_without_a_key_a_change_of_keys_within_the_chain_is_said(out: Path) -> None:
    made_again(out, "run-000003")
    assert words(out, Trust()) == {"run-000003": ["chain-key"]}
    both = Trust((KEY.public_key(),), frozenset({fingerprint(OTHER.public_key())}))
    assert words(out, both) == {}


def test_without_a_key_it_says_that_the_pack_s_own_proves_nothing_and_shows_its_fingerprint(out: Path) -> None:
    text = "\n".join(told(verify(packs(out), Trust()), Trust()))
    assert "proves nothing about who signed it" in text
    assert f"    {fingerprint(KEY.public_key())}" in text
    assert "proves nothing" not in "\n".join(told(verify(packs(out), HELD), HELD))
    (out / TWO / "SEAL.txt.sig").unlink()
    assert "    no signature holds" in told(verify([out / TWO], Trust()), Trust())


def test_it_ends_with_the_seal_of_the_newest_pack_to_compare_with_the_mail(tmp_path: Path) -> None:
    seals = chain(tmp_path)
    lines = told(verify([*packs(tmp_path)], HELD), HELD)
    assert [line.split()[0] for line in lines[:3]] == ["OK", "OK", "OK"]
    assert lines[lines.index("Newest of these: main-000003. SHA-256 of its seal:") + 1].strip() == seals[2]
    assert "mail of that run" in " ".join(lines)


def test_each_pack_is_one_line_with_the_words_and_each_finding_a_sentence(out: Path) -> None:
    edit(out)
    (out / TWO / "x\x1b[2J\n\u202ey.csv").touch()
    lines = told(verify(packs(out), HELD), HELD)
    line = next(line for line in lines if line.startswith("FAIL"))
    assert line.split()[-3:] == ["main-000002", "file-not-listed", "file-changed"]
    assert any(line.strip().startswith("file-changed  results.csv: its SHA-256 is not the one in the list. That means: ") for line in lines)
    assert any(r"x\x1b[2J\n\u202ey.csv: it is in the pack but not in the list" in line for line in lines)


def test_a_pack_of_somebody_else_writes_no_signs_to_the_terminal(out: Path) -> None:
    """What its seals say is shown, and the seal before it need not be signed by anybody."""
    (out / TWO / "previous-SEAL.txt").write_bytes(b"run_id: x\x1b[1A\x1b[2KOK\n")
    write_sums(out / TWO)
    seal_again(out / TWO, OTHER, sha256_of_previous_SEAL=sha256(out / TWO / "previous-SEAL.txt"))
    lines = told(verify([out / TWO], HELD), HELD)
    assert any("it is the seal of x" in line for line in lines)
    assert all(line.isprintable() for line in lines)


def test_many_findings_of_one_kind_are_counted(out: Path) -> None:
    for number in range(15):
        (out / TWO / f"{number:02d}").touch()
    lines = told([check(out / TWO, HELD)], HELD)
    assert sum(line.startswith("      file-not-listed") for line in lines) == 11
    assert "      file-not-listed  and 5 more" in lines


def test_every_flaw_has_its_own_meaning() -> None:
    assert set(MEANS) == set(Flaw)
    assert all(text and text[0].islower() and not text.endswith(".") for text in MEANS.values())


def test_two_packs_of_one_number_are_a_flaw_of_both_and_the_chain_may_follow_either(out: Path) -> None:
    forked(out)
    assert words(out) == {TWO: ["sequence-twice"], "run-000002-b": ["sequence-twice"]}


def test_the_same_pack_twice_is_no_flaw(out: Path) -> None:
    shutil.copytree(out / TWO, out / "run-000002-copy")
    assert words(out) == {}
    assert len(verify([out / TWO, out / TWO], HELD)) == 1


def test_each_chain_is_one_by_itself(out: Path) -> None:
    (out / "other").mkdir()
    chain(out / "other", 2, name="other")
    checked = verify([*packs(out), *packs(out / "other")], HELD)
    assert [pack.seal["run_id"] for pack in checked] == [f"main-00000{n}" for n in (1, 2, 3)] + ["other-000001", "other-000002"]
    assert not any(pack.findings for pack in checked)
    assert sum(line.startswith("Newest of these") for line in told(checked, HELD)) == 2


def test_a_wide_gap_names_all_that_is_missing(tmp_path: Path) -> None:
    chain(tmp_path, 5)
    for number in (2, 3, 4):
        shutil.rmtree(tmp_path / f"run-00000{number}")
    said = [str(finding) for pack in verify(packs(tmp_path), HELD) for finding in pack.findings]
    assert "between main-000001 and this one there is no pack 2 to 4" in said[0]


def test_a_later_pack_that_names_none_before_it_breaks_the_chain(out: Path) -> None:
    (out / TWO / "previous-SEAL.txt").unlink()
    write_sums(out / TWO)
    seal_again(out / TWO, files=str(int(check(out / TWO, HELD).seal["files"]) - 1), previous_run_id="none", sha256_of_previous_SEAL="none")
    assert check(out / TWO, HELD).words() == ["chain-broken"]


def test_the_copy_of_the_previous_seal_must_be_the_one_that_is_named(out: Path) -> None:
    seal_again(out / TWO, KEY, **{"previous-run_id": "main-000009"})
    assert check(out / TWO, HELD).words() == ["previous-seal"]
    seal_again(out / TWO, KEY, **{"previous-run_id": "main-000001", "sha256-of-previous-SEAL": "ab" * 32})
    assert check(out / TWO, HELD).words() == ["previous-seal"]
    seal_again(out / TWO, KEY, **{"previous-run_id": "none", "sha256-of-previous-SEAL": "none"})
    assert check(out / TWO, HELD).words() == ["previous-seal"]


DIGEST = "0" * 64


@pytest.mark.parametrize(
    ("line", "word"),
    [
        (f"{DIGEST} *results.csv", "list-form"),
        (f"{DIGEST}  a\\b", "list-form"),
        (f"\\{DIGEST}  a", "list-form"),
        (f"{DIGEST.upper()[:-1]}A  a", "list-form"),
        (f"SHA256 (a) = {DIGEST}", "list-form"),
        (f"{DIGEST}  ä", "list-form"),
        ("# a remark", "list-form"),
        ("", "list-form"),
        (f"{DIGEST}  results.csv", "list-form"),
        (f"{DIGEST}  SEAL.txt", "list-form"),
        (f"{DIGEST}  /etc/passwd", "list-outside"),
        (f"{DIGEST}  ../run-000001/SEAL.txt", "list-outside"),
        (f"{DIGEST}  raw/../../x", "list-outside"),
        (f"{DIGEST}  raw//x", "list-outside"),
        (f"{DIGEST}  ./x", "list-outside"),
    ],
)
def test_a_line_of_the_list_in_another_form_is_said_even_when_it_was_sealed(out: Path, line: str, word: str) -> None:
    with (out / TWO / "SHA256SUMS").open("a", encoding="utf-8") as stream:
        stream.write(f"{line}\n")
    seal_again(out / TWO)
    checked = check(out / TWO, HELD)
    assert checked.words() == [word]
    assert checked.findings[0].where.startswith("SHA256SUMS, line ")


def test_a_list_without_an_end_and_one_of_another_length_are_said(out: Path) -> None:
    (out / TWO / "SHA256SUMS").write_bytes((out / TWO / "SHA256SUMS").read_bytes() + b"0123")
    seal_again(out / TWO, files="99")
    assert check(out / TWO, HELD).words() == ["list-form", "list-count"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"", "not made of lines"),
        (b"nothing of the kind\n", "not made of lines"),
        (b"a: 1\na: 2\n", "not made of lines"),
        (b"a: \xff\n", "not made of lines"),
        (b"a: b\n", "it does not say format, chain, sequence"),
    ],
)
def test_what_is_no_seal_is_said(out: Path, text: bytes, said: str) -> None:
    sign(out / TWO, text)
    checked = check(out / TWO, HELD)
    assert checked.words() == ["seal-form"]
    assert said in str(checked.findings[0])
    assert checked.seal == {}
    assert checked.sequence == 0


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("format", "another"),
        ("sequence", "0"),
        ("sequence", "-1"),
        ("sequence", "9" * 5000),
        ("files", "many"),
        ("sha256-of-SHA256SUMS", "x"),
        ("signing-key-sha256", "AB" * 32),
        ("sha256-of-previous-SEAL", ""),
        ("chain", "main\x1b[2K"),
        ("run_id", "=1+1"),
        ("previous-run_id", "../main-000001"),
        ("version", "0.1.0\rOK    run-000002"),
        ("signing-key", "AWS KMS\x7f"),
    ],
)
def test_a_seal_with_a_value_that_cannot_be_is_none(out: Path, name: str, value: str) -> None:
    seal_again(out / TWO, KEY, **{name: value})
    assert check(out / TWO, HELD).words() == ["seal-too-large" if len(value) > LARGEST_SEAL else "seal-form"]


def test_a_seal_over_the_limit_is_not_read(out: Path) -> None:
    text = (out / TWO / "SEAL.txt").read_bytes()
    sign(out / TWO, text + b"x: " + b"y" * (LARGEST_SEAL - len(text) - 5) + b"\n")
    assert (out / TWO / "SEAL.txt").stat().st_size == LARGEST_SEAL - 1
    assert check(out / TWO, HELD).words() == []
    sign(out / TWO, text + b"x: " + b"y" * (LARGEST_SEAL - len(text) - 4) + b"\n")
    assert check(out / TWO, HELD).words() == ["seal-too-large"]


def test_a_folder_that_is_no_run_has_no_seal(tmp_path: Path) -> None:
    assert check(tmp_path, HELD).words() == ["seal-missing", "list-missing"]
    (tmp_path / "SEAL.txt").mkdir()
    (tmp_path / "SHA256SUMS").symlink_to("/etc/passwd")
    checked = check(tmp_path, HELD)
    assert checked.words() == ["link", "seal-missing", "list-missing"]
    assert "it is there, but no plain file" in str(checked.findings[-1])


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_what_may_not_be_read_is_no_pass(out: Path) -> None:
    (out / TWO / "results.csv").chmod(0)
    (out / TWO / "raw").chmod(0)
    assert check(out / TWO, HELD).words() == ["unreadable", "file-missing"]


def test_a_file_that_cannot_be_read_to_its_end_is_no_pass(out: Path) -> None:
    from reporter.evidence.inspected import inspect

    for name in ("results.csv", "previous-SEAL.txt", "SEAL.txt.sig"):
        with contents(out / TWO) as found:
            whole = found.open

            def broken(file: str, name: str = name, whole: Callable[[str], object] = whole) -> object:
                if file == name:
                    raise OSError(5, "Input/output error")
                return whole(file)

            found.open = broken  # type: ignore[assignment]
            assert inspect(found, TWO, HELD).words() == ["unreadable"]


def test_a_pack_with_a_flaw_is_refused_by_those_who_build_on_it(out: Path) -> None:
    require_whole(check(out / TWO, HELD))
    edit(out)
    with pytest.raises(ReporterError, match="the pack does not hold: file-changed"):
        require_whole(check(out / TWO, HELD))


def test_packs_without_a_seal_come_first_and_are_in_no_chain() -> None:
    assert [pack.label for pack in chained([Checked("b"), Checked("a")], keys_matter=True)] == ["a", "b"]


ONE_RUN = examples(50, HealthCheck.function_scoped_fixture, HealthCheck.too_slow)


def a_copy(untouched: Path, place: str) -> Path:
    return Path(shutil.copytree(untouched / TWO, Path(place) / TWO))


def files(run: Path) -> list[Path]:
    return sorted(path for path in run.rglob("*") if path.is_file())


@ONE_RUN
@given(data=st.data())
def test_any_flipped_bit_is_found(untouched: Path, data: st.DataObject) -> None:
    with tempfile.TemporaryDirectory() as place:
        run = a_copy(untouched, place)
        path = data.draw(st.sampled_from(files(run)))
        content = bytearray(path.read_bytes())
        at = data.draw(st.integers(0, len(content) - 1))
        content[at] ^= 1 << data.draw(st.integers(0, 7))
        path.write_bytes(content)
        assert check(run, HELD).findings


NAMES = st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="/\x00"), min_size=1, max_size=40).filter(
    lambda name: name not in (".", "..")
)


@ONE_RUN
@given(data=st.data())
def test_any_file_removed_added_or_renamed_is_found(untouched: Path, data: st.DataObject) -> None:
    with tempfile.TemporaryDirectory() as place:
        run = a_copy(untouched, place)
        path = data.draw(st.sampled_from(files(run)))
        new = path.parent / data.draw(NAMES)
        match data.draw(st.sampled_from(["remove", "add", "rename"])):
            case "remove":
                path.unlink()
            case "add" if not new.exists():
                new.write_bytes(data.draw(st.binary(max_size=5)))
            case _ if not new.exists():
                path.rename(new)
            case _:
                path.unlink()
        assert check(run, HELD).findings
