"""A pack as one zip: the same bytes each time, and no zip that could harm its reader."""

from __future__ import annotations

import io
import os
import shutil
import stat
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st

from reporter.core.errors import ReporterError
from reporter.evidence import contents as reading
from reporter.evidence.contents import Limits
from reporter.evidence.verify import check, verify
from reporter.evidence.zipped import write
from tests.evidence.chains import HELD, chain
from tests.examples import examples


@pytest.fixture
def out(tmp_path: Path) -> Path:
    chain(tmp_path / "out")
    return tmp_path / "out"


@pytest.fixture
def zipped(out: Path) -> Path:
    write(out / "run-000002", out / "two.zip")
    return out / "two.zip"


def words(path: Path, limits: Limits = reading.LIMITS) -> list[str]:
    return check(path, HELD, limits).words()


def test_zipping_a_folder_twice_gives_the_same_bytes_wherever_it_lies(out: Path, zipped: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(out / "run-000002", tmp_path / "elsewhere" / "run-000002"))
    for path in copy.rglob("*"):
        os.utime(path, (0, 0))
        path.chmod(0o700)
    write(copy, tmp_path / "again.zip")
    assert (tmp_path / "again.zip").read_bytes() == zipped.read_bytes()


def test_the_zip_holds_the_folder_under_its_name_and_nothing_else(out: Path, zipped: Path) -> None:
    with zipfile.ZipFile(zipped) as archive:
        names = archive.namelist()
        assert names == sorted(names)
        assert set(names) == {path.relative_to(out).as_posix() for path in (out / "run-000002").rglob("*") if path.is_file()}
        for info in archive.infolist():
            assert (out / info.filename).read_bytes() == archive.read(info)
            assert (info.date_time, info.compress_type, info.external_attr >> 16) == ((1980, 1, 1, 0, 0, 0), 0, stat.S_IFREG | 0o644)


def test_what_any_program_extracts_is_the_pack(out: Path, zipped: Path, tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-m", "zipfile", "-e", str(zipped), str(tmp_path / "x")], check=True)
    assert words(tmp_path / "x" / "run-000002") == []


def test_folders_and_zips_form_one_chain(out: Path, zipped: Path) -> None:
    shutil.rmtree(out / "run-000002")
    checked = verify([out / "run-000003", zipped, out / "run-000001"], HELD)
    assert [(pack.sequence, pack.words()) for pack in checked] == [(1, []), (2, []), (3, [])]


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda run: (run / "SEAL.txt").unlink(), "the folder is not sealed"),
        (lambda run: (run / "x").symlink_to("/etc/passwd"), "this is no plain file"),
        (lambda run: os.mkfifo(run / "pipe"), "this is no plain file"),
    ],
)
def test_a_folder_that_is_no_plain_sealed_pack_is_refused_and_leaves_nothing(out: Path, spoil: Callable[[Path], object], said: str) -> None:
    spoil(out / "run-000002")
    with pytest.raises(ReporterError, match=said):
        write(out / "run-000002", out / "two.zip")
    assert sorted(path.name for path in out.iterdir()) == ["run-000001", "run-000002", "run-000003"]


def test_a_zip_is_never_written_into_the_pack(out: Path) -> None:
    with pytest.raises(ReporterError, match="the zip would lie in the pack itself"):
        write(out / "run-000002", out / "run-000002" / "raw" / "two.zip")
    assert words(out / "run-000002") == []


def repacked(source: Path, target: Path, change: Callable[[zipfile.ZipFile, zipfile.ZipInfo, bytes], None]) -> Path:
    """A zip with each member passed through `change`, which writes it."""
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w") as new:
        for info in old.infolist():
            change(new, zipfile.ZipInfo(info.filename, info.date_time), old.read(info))
    return target


def with_member(source: Path, name: str, data: bytes = b"x", *, mode: int = 0, method: int = zipfile.ZIP_STORED) -> Path:
    """The zip with one member more, whatever its name is."""
    info = zipfile.ZipInfo("placeholder")
    info.filename = name
    info.external_attr, info.compress_type = mode << 16, method
    with zipfile.ZipFile(source, "a") as archive:
        archive.writestr(info, data)
    return source


@pytest.mark.parametrize(
    "name",
    [
        "../x",
        "run-000002/../../x",
        "/etc/cron.d/x",
        "C:/x",
        "run-000002\\..\\x",
        "run-000002//x",
        "run-000002/./x",
        "run-000002/a\nb",
        "../run-000002/",
    ],
)
def test_a_name_that_leads_out_of_the_folder_is_said_and_nothing_is_written(zipped: Path, tmp_path: Path, name: str) -> None:
    before = sorted(tmp_path.rglob("*"))
    assert "zip-name" in words(with_member(zipped, name))
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("run-000002/results.csv", ["zip-name-twice"]),
        ("run-000002/Results.CSV", ["zip-name-twice"]),
        ("run-000002/SEAL.txt", ["second-seal"]),
        ("run-000002/seal.TXT", ["second-seal"]),
        ("run-000002/SHA256SUMS", ["second-seal"]),
        ("run-000002/raw/SEAL.txt", ["second-seal"]),
        ("run-000001/SEAL.txt", ["second-seal"]),
        ("run-000002/x.csv", ["file-not-listed"]),
        ("results.csv", ["file-not-listed"]),
    ],
)
def test_a_member_too_many_is_said(zipped: Path, name: str, found: list[str]) -> None:
    if name in ("run-000002/results.csv", "run-000002/SEAL.txt", "run-000002/SHA256SUMS"):
        with pytest.warns(UserWarning, match="Duplicate name"):
            with_member(zipped, name)
    else:
        with_member(zipped, name)
    assert words(zipped) == found


def test_a_folder_in_the_zip_is_no_file(zipped: Path) -> None:
    assert words(with_member(zipped, "run-000002/raw/", b"")) == []
    assert words(with_member(zipped, "run-000002/mail/", b"hidden")) == ["file-not-listed"]


@pytest.mark.parametrize("mode", [stat.S_IFLNK | 0o777, stat.S_IFIFO | 0o644, stat.S_IFCHR | 0o644])
def test_a_link_in_the_zip_is_said_and_not_followed(zipped: Path, mode: int) -> None:
    assert words(with_member(zipped, "run-000002/x", b"/etc/passwd", mode=mode)) == ["link", "file-not-listed"]


def test_a_listed_file_that_became_a_link_is_said(zipped: Path, tmp_path: Path) -> None:
    def change(archive: zipfile.ZipFile, info: zipfile.ZipInfo, data: bytes) -> None:
        if info.filename.endswith("/results.csv"):
            info.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(info, data)

    assert words(repacked(zipped, tmp_path / "x.zip", change)) == ["link"]


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_member_packed_in_another_way_is_said(zipped: Path, method: int) -> None:
    assert words(with_member(zipped, "run-000002/x", b"x", method=method)) == ["zip-form", "file-not-listed"]


def test_an_encrypted_member_is_said(zipped: Path) -> None:
    data = bytearray(zipped.read_bytes())
    at = data.rindex(b"PK\x01\x02", 0, data.rindex(b"run-000002/signing-key.pem"))
    data[at + 8] |= 1
    zipped.write_bytes(data)
    assert "zip-form" in words(zipped)


def test_a_bomb_is_said_and_not_unpacked(zipped: Path) -> None:
    with_member(zipped, "run-000002/x", bytes(64 << 20), method=zipfile.ZIP_DEFLATED)
    checked = check(zipped, HELD)
    assert checked.words() == ["zip-too-large", "file-not-listed"]
    assert "it would unpack from " in str(checked.findings[0])


@pytest.mark.parametrize(
    ("limits", "said"),
    [
        (Limits(members=5), "it has "),
        (Limits(member=50), "a file of a pack has at most 50"),
        (Limits(total=2000), "a pack has at most 2000"),
    ],
)
def test_limits_hold(zipped: Path, limits: Limits, said: str) -> None:
    checked = check(zipped, HELD, limits)
    assert checked.words()[0] == "zip-too-large"
    assert said in str(checked.findings[0])


def test_a_member_that_says_it_is_smaller_than_it_is_does_not_pass(zipped: Path, tmp_path: Path) -> None:
    def change(archive: zipfile.ZipFile, info: zipfile.ZipInfo, data: bytes) -> None:
        info.compress_type = zipfile.ZIP_DEFLATED
        archive.writestr(info, data + b"more" * 1000 if info.filename.endswith("/results.csv") else data)

    path = repacked(zipped, tmp_path / "x.zip", change)
    with zipfile.ZipFile(path) as archive:
        info = archive.getinfo("run-000002/results.csv")
    data = bytearray(path.read_bytes())
    at = data.rindex(b"PK\x01\x02", 0, data.rindex(b"run-000002/results.csv"))
    data[at + 24 : at + 28] = (info.file_size - 4000).to_bytes(4, "little")
    path.write_bytes(data)
    assert words(path) == ["zip-damaged"]


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.9, 0.999])
def test_a_truncated_zip_is_said(zipped: Path, share: float) -> None:
    data = zipped.read_bytes()
    zipped.write_bytes(data[: int(len(data) * share)])
    assert words(zipped) == ["zip-damaged", "seal-missing", "list-missing"]


def test_a_file_that_is_no_zip_is_said(tmp_path: Path) -> None:
    (tmp_path / "x.zip").write_text("nothing of the kind")
    assert words(tmp_path / "x.zip") == ["zip-damaged", "seal-missing", "list-missing"]


@pytest.mark.parametrize("before", ["another zip", "a script"])
def test_what_lies_before_the_members_is_said_because_other_programs_show_it(out: Path, zipped: Path, tmp_path: Path, before: str) -> None:
    with zipfile.ZipFile(tmp_path / "other.zip", "w") as other:
        other.writestr("run-000002/results.csv", "all is well")
    hidden = (tmp_path / "other.zip").read_bytes() if before == "another zip" else b"#!/bin/sh\n"
    (tmp_path / "both.zip").write_bytes(hidden + zipped.read_bytes())
    assert words(tmp_path / "both.zip") == ["zip-hidden"]


def test_a_member_that_the_list_does_not_name_is_said(zipped: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(zipped, "a") as archive:
        archive.writestr("run-000002/results.csv.", "all is well")
        archive.filelist.pop()
    assert words(zipped) == ["zip-hidden"]


def test_a_zip_that_was_made_as_a_stream_is_a_pack_too(zipped: Path, tmp_path: Path) -> None:
    class Stream(io.RawIOBase):
        def __init__(self) -> None:
            self.data = b""

        def writable(self) -> bool:
            return True

        def write(self, data: bytes) -> int:  # type: ignore[override]
            self.data += bytes(data)
            return len(data)

    stream = Stream()
    with zipfile.ZipFile(zipped) as source, zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as target:
        for info in source.infolist():
            target.writestr(info.filename, source.read(info))
    (tmp_path / "stream.zip").write_bytes(stream.data)
    assert words(tmp_path / "stream.zip") == []


def test_a_deflated_zip_made_by_any_program_is_a_pack_too(zipped: Path, tmp_path: Path) -> None:
    def top(archive: zipfile.ZipFile, info: zipfile.ZipInfo, data: bytes) -> None:
        info.filename, info.compress_type = info.filename.removeprefix("run-000002/"), zipfile.ZIP_DEFLATED
        archive.writestr(info, data)

    assert words(repacked(zipped, tmp_path / "x.zip", top)) == []


@examples(80, HealthCheck.function_scoped_fixture)
@given(data=st.data())
def test_a_flipped_bit_is_found_or_changes_no_file(zipped: Path, data: st.DataObject) -> None:
    content = bytearray(zipped.read_bytes())
    at = data.draw(st.integers(0, len(content) - 1) | st.integers(len(content) - 2000, len(content) - 1))
    content[at] ^= 1 << data.draw(st.integers(0, 7))
    spoilt = zipped.with_name("spoilt.zip")
    spoilt.write_bytes(content)
    if not words(spoilt):
        with zipfile.ZipFile(zipped) as one, zipfile.ZipFile(spoilt) as other:
            was, now = ({info.filename.partition("/")[2]: archive.read(info) for info in archive.infolist()} for archive in (one, other))
        assert now == was
