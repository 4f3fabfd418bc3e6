"""A sample that anyone can draw again, and its trace pages."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest
from botocore.session import Session
from botocore.validate import ParamValidator

from reporter.core.errors import ReporterError, ScheduleError
from reporter.evidence.mentions import BEFORE, MOST
from reporter.evidence.sample import Sample, draw, order, told, write
from reporter.evidence.trace import aws_commands, page
from reporter.evidence.trust import Trust
from reporter.evidence.zipped import write as zip_pack
from tests.clients.wp_sandbox import KEY, Tenant, tenant
from tests.evidence.chains import ANSWER, HELD, INSTANCES, chain

__all__ = ["tenant"]

SEED = "2026-Q4 first: a/b"


@pytest.fixture
def pack(tmp_path: Path) -> Path:
    chain(tmp_path / "out", 1)
    return tmp_path / "out" / "run-000001"


def packed(tmp_path: Path, **files: bytes) -> Path:
    """A pack with these files in place of the usual ones; names with __ for / and _ESC for nothing."""
    chain(tmp_path / "other", 1, files={name.replace("__", "/"): data for name, data in files.items()})
    return tmp_path / "other" / "run-000001"


def pages(sample: Sample) -> list[str]:
    return [page(sample, item) for item in sample.items]


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_the_order_is_that_of_the_hash_of_seed_and_id() -> None:
    ids = [f"111122223333|eu-central-1|i-{number:017x}" for number in range(50)]
    drawn = order("s", ids)
    assert sorted(one for _, one in drawn) == ids
    assert [digest for digest, _ in drawn] == sorted(hashlib.sha256(f"s:{one}".encode()).hexdigest() for one in ids)
    assert order("s", ids[::-1]) == drawn
    assert order("t", ids) != drawn


def test_a_smaller_sample_is_the_beginning_of_a_larger_one(pack: Path) -> None:
    whole = [item.id for item in draw(pack, SEED, 99, HELD).items]
    assert len(whole) == 3
    assert [item.id for item in draw(pack, SEED, 2, HELD).items] == whole[:2]


def test_the_printed_shell_line_draws_the_same_sample(tmp_path: Path, program: Callable[[str], str]) -> None:
    program("sha256sum")
    rows = "".join(f"111122223333,eu-central-1,i-{number:017x},,unknown,\n" for number in range(60))
    run = packed(tmp_path, **{"instances.csv": (INSTANCES.splitlines()[0] + "\n" + rows).encode()})
    sample = draw(run, SEED, 7, HELD)
    (line,) = [line.strip() for line in told(sample, 7) if line.startswith("    ")]
    done = subprocess.run(["/bin/sh", "-c", line], cwd=run, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == [f"{item.digest}  {item.id}" for item in sample.items]
    assert len(sample.items) == 7


def test_the_csv_names_seed_population_and_seal(pack: Path) -> None:
    sample = draw(pack, SEED, 2, HELD)
    rows = list(csv.DictReader(io.StringIO(sample.as_csv())))
    assert [row["rank"] for row in rows] == ["1", "2"]
    for row, item in zip(rows, sample.items, strict=True):
        assert row["id"] == "|".join((row["account"], row["region"], row["instance_id"]))
        assert row["sha256"] == hashlib.sha256(f"{SEED}:{row['id']}".encode()).hexdigest()
        assert row["seed"] == SEED
        assert row["run_id"] == "main-000001"
        assert (row["population_file"], row["population_rows"]) == ("instances.csv", "3")
        assert row["population_sha256"] == hashlib.sha256(INSTANCES.encode()).hexdigest()
        assert row["seal_sha256"] == hashlib.sha256((pack / "SEAL.txt").read_bytes()).hexdigest()
        assert row["page"] == item.page
        assert row["protection"] == item.row["protection"]


def test_a_zip_gives_the_same_as_its_folder(pack: Path, tmp_path: Path) -> None:
    zip_pack(pack, tmp_path / "x.zip")
    one, other = draw(pack, SEED, 3, HELD), draw(tmp_path / "x.zip", SEED, 3, HELD)
    assert one.as_csv() == other.as_csv()
    assert pages(one) == pages(other)


def test_it_is_written_beside_the_pack_and_the_pack_stays_as_it_is(pack: Path, tmp_path: Path) -> None:
    before = contents(pack)
    sample = draw(pack, SEED, 2, HELD)
    write(sample, 2, pack, tmp_path / "sample")
    assert contents(pack) == before
    assert sorted(contents(tmp_path / "sample")) == ["repeat.txt", "sample.csv", *(f"trace/{item.page}" for item in sample.items)]
    assert (tmp_path / "sample" / "sample.csv").read_text() == sample.as_csv()
    write(sample, 2, pack, tmp_path / "again")
    assert contents(tmp_path / "again") == contents(tmp_path / "sample")


@pytest.mark.parametrize("place", ["", "raw", "sample/deep"])
def test_nothing_is_written_into_the_pack(pack: Path, place: str) -> None:
    before = contents(pack)
    with pytest.raises(ScheduleError, match="would lie in the pack itself"):
        write(draw(pack, SEED, 2, HELD), 2, pack, pack / place)
    assert contents(pack) == before
    assert not (pack / "sample").exists()


def test_no_earlier_sample_is_written_over(pack: Path, tmp_path: Path) -> None:
    (tmp_path / "sample").mkdir()
    (tmp_path / "sample" / "note.txt").write_text("mine")
    with pytest.raises(ScheduleError, match="the folder is not empty"):
        write(draw(pack, SEED, 2, HELD), 2, pack, tmp_path / "sample")
    assert contents(tmp_path / "sample") == {"note.txt": b"mine"}


def test_a_broken_pack_is_refused(pack: Path) -> None:
    (pack / "instances.csv").write_text(INSTANCES.replace("unmanaged", "protected"))
    with pytest.raises(ReporterError, match="the pack does not hold: file-changed") as caught:
        draw(pack, SEED, 2, HELD)
    assert caught.value.exit_code == 1


def test_without_a_key_it_says_that_nobody_is_known_to_have_signed(pack: Path) -> None:
    assert "proves nothing about who signed" in told(draw(pack, SEED, 2, Trust()), 2)[-1]
    assert "proves nothing" not in "".join(told(draw(pack, SEED, 2, HELD), 2))


@pytest.mark.parametrize("seed", ["", " x", "=1+1", "$(id)", 'a"b', "a\nb", "ä", "x" * 101, "a`id`", "-n"])
def test_a_seed_that_a_shell_or_a_spreadsheet_would_run_is_refused(pack: Path, seed: str) -> None:
    with pytest.raises(ScheduleError, match="the seed must be plain"):
        draw(pack, seed, 1, HELD)


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("instances.csv", b"one,two\n1,2\n"),
        ("instances.csv", b"account,region,instance_id\n1,2\n"),
        ("instances.csv", b"account,region,instance_id\n1,2,3,4\n"),
        ("instances.csv", b"account,region,instance_id\n\xff,2,3\n"),
        ("instances.csv", b'account,region,instance_id\n"1,2,3\n'),
        ("results.csv", b"x\ny\n"),
        ("run.json", b"{"),
        ("run.json", b"[" * 100_000),
    ],
)
def test_a_sealed_pack_that_is_no_run_is_a_message(tmp_path: Path, file: str, content: bytes) -> None:
    run = packed(tmp_path, **{file: content})
    with pytest.raises(ReporterError, match=f"{file} of the pack cannot be read"):
        draw(run, SEED, 1, HELD)


def test_a_pack_without_a_population_is_a_message(tmp_path: Path) -> None:
    from reporter.evidence.seal import Seal
    from tests.evidence.pack import NOW, sealed

    run = tmp_path / "run-000001"
    run.mkdir()
    (run / "x").touch()
    sealed(run, Seal("main", 1, "main-000001", NOW, "0.1.0"))
    with pytest.raises(ReporterError, match=r"instances\.csv of the pack cannot be read: it is missing"):
        draw(run, SEED, 1, HELD)


def test_an_empty_population_gives_an_empty_sample(tmp_path: Path) -> None:
    sample = draw(packed(tmp_path, **{"instances.csv": INSTANCES.splitlines()[0].encode() + b"\n"}), SEED, 5, HELD)
    assert (sample.population, len(sample.items)) == (0, 0)
    assert len(sample.as_csv().splitlines()) == 1


def test_a_page_says_what_the_reporter_says_of_this_instance_and_no_other(pack: Path) -> None:
    sample = draw(pack, SEED, 3, HELD)
    text = dict(zip([item.row["instance_id"][-1] for item in sample.items], pages(sample), strict=True))
    assert "    instance_protected: PASS\n        reason: the agent is active\n" in text["1"]
    assert "    protection: protected\n" in text["1"]
    assert "another account's" not in text["1"]
    assert "no computer stands for it" in text["2"]
    assert "results.csv (0)" in text["3"]
    assert "EC2 > Instances > search for i-00000000000000001" in text["1"]
    assert "Details (computer 7)" in text["1"]


def test_a_page_shows_the_raw_answers_that_mention_it_as_they_were_received(pack: Path) -> None:
    sample = draw(pack, SEED, 3, HELD)
    (one,) = [item for item in sample.items if item.row["instance_id"].endswith("1")]
    text = page(sample, one)
    name = "raw/ec2/000000-DescribeInstances.json.zst"
    assert f"{name}   named 1 times   SHA-256 {hashlib.sha256((pack / name).read_bytes()).hexdigest()}" in text
    for line in ANSWER.decode().splitlines():
        assert f"    | {line}\n" in text
    for item in sample.items:
        if item is not one:
            assert "No answer below raw/ names" in page(sample, item)


def test_the_shell_line_of_a_raw_answer_shows_the_place(pack: Path, program: Callable[[str], str]) -> None:
    program("zstd")
    sample = draw(pack, SEED, 3, HELD)
    (one,) = [item for item in sample.items if item.row["instance_id"].endswith("1")]
    (line,) = [line.strip() for line in page(sample, one).splitlines() if line.startswith("    zstd ")]
    done = subprocess.run(["/bin/sh", "-c", line], cwd=pack, capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.splitlines() == ANSWER.decode().replace("{", "\n").splitlines()


def test_of_many_places_in_one_answer_the_first_are_shown_and_all_counted(tmp_path: Path) -> None:
    answer = (b"i-00000000000000001 " + b"." * 10_000) * 20
    run = packed(tmp_path, **{"raw__ec2__1.json.zst": pa.Codec("zstd").compress(answer, asbytes=True)})
    sample = draw(run, SEED, 3, HELD)
    (one,) = [item for item in sample.items if item.row["instance_id"].endswith("1")]
    many = [mention for mention in one.mentions.files if mention.file == "raw/ec2/1.json.zst"]
    assert [(mention.places, len(mention.texts)) for mention in many] == [(20, MOST)]
    assert all("i-00000000000000001" in text for text in many[0].texts)
    near = (b"i-00000000000000001 " + b"." * (BEFORE // 2)) * 3
    run = packed(tmp_path / "near", **{"raw__ec2__1.json": near})
    (one,) = [item for item in draw(run, SEED, 3, HELD).items if item.row["instance_id"].endswith("1")]
    assert [mention.texts for mention in one.mentions.files if mention.file == "raw/ec2/1.json"] == [(near.decode(),)]


def test_an_answer_that_cannot_be_searched_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bomb = pa.Codec("zstd").compress(bytes(5000), asbytes=True)
    run = packed(tmp_path, **{"raw__ec2__1.json.zst": b"no such thing", "raw__ec2__2.json.zst": bomb, "raw__ec2__3.json": b"x" * 3000})
    monkeypatch.setattr("reporter.evidence.mentions._LARGEST_FILE", 2000)
    monkeypatch.setattr("reporter.evidence.mentions._LARGEST_ANSWER", 4000)
    text = pages(draw(run, SEED, 1, HELD))[0]
    assert "NOT SEARCHED: raw/ec2/1.json.zst: it cannot be unpacked" in text
    assert "NOT SEARCHED: raw/ec2/2.json.zst: it unpacks to more than" in text
    assert "NOT SEARCHED: raw/ec2/3.json: it is larger than" in text


HOSTILE = "i-1'; rm -rf ~ #\x1b]0;x\x07\u202e`id`$(id)"


def test_hostile_text_is_harmless_in_pages_and_commands(tmp_path: Path) -> None:
    rows = io.StringIO()
    csv.writer(rows, lineterminator="\n").writerows([["account", "region", "instance_id", "owner"], ["1", "r'$(id)", HOSTILE, "<script>\x1b[2J"]])
    raw = f"{HOSTILE} \x1b[2J\r\nWHAT THE REPORTER SAYS OF IT\u2028x".encode()
    said = {"id": "main-000001", "endpoint_override": "http://x\x1b[2J", "schedule": {"workload_protection": [{"url": "file:///x"}, {"url": 1}, 7]}}
    run = packed(tmp_path, **{"instances.csv": rows.getvalue().encode(), "raw__x.json": raw, "run.json": json.dumps(said).encode()})
    sample = draw(run, SEED, 1, HELD)
    (text,) = pages(sample)
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e\u2028]", text)
    assert text.count("\nWHAT THE REPORTER SAYS OF IT\n") == 1
    assert re.fullmatch(r"0001-[A-Za-z0-9_-]+\.txt", sample.items[0].page)
    for command in aws_commands(sample.items[0].row):
        shown = command.replace("aws ", "printf '%s\\0' ")
        done = subprocess.run(["/bin/sh", "-c", shown], capture_output=True, check=True, cwd=tmp_path)
        assert b"uid=" not in done.stdout
    assert "curl" not in text
    assert "NOT AWS: the calls of this run went to http://x" in text
    write(sample, 1, run, tmp_path / "sample")
    assert len(list((tmp_path / "sample" / "trace").iterdir())) == 1


def test_a_schedule_in_another_form_gives_no_command(tmp_path: Path) -> None:
    for said in (b"[]", b'{"schedule": 1}', b'{"schedule": {"workload_protection": null}}'):
        shutil.rmtree(tmp_path / "other", ignore_errors=True)
        assert "curl" not in "".join(pages(draw(packed(tmp_path, **{"run.json": said}), SEED, 1, HELD)))


def test_the_aws_commands_are_calls_that_aws_knows() -> None:
    row = {"region": "eu-central-1", "instance_id": "i-00000000000000001"}
    ec2, inspector, guardduty = aws_commands(row)
    assert ec2 == "aws ec2 describe-instances --region eu-central-1 --instance-ids i-00000000000000001"

    def valid(service: str, operation: str, given: dict[str, object]) -> bool:
        shape = Session().get_service_model(service).operation_model(operation).input_shape
        assert shape is not None
        return not ParamValidator().validate(given, shape).has_errors()

    assert valid("inspector2", "ListFindings", {"filterCriteria": json.loads(inspector.split("--filter-criteria ")[1].strip("'"))})
    criteria = json.loads(guardduty.split("--finding-criteria ")[1].strip("'"))
    assert valid("guardduty", "ListFindings", {"DetectorId": "x", "FindingCriteria": criteria})


def test_the_workload_protection_calls_find_the_computer(tmp_path: Path, tenant: Tenant, program: Callable[[str], str]) -> None:
    program("curl")
    ids = ["i-00000000000000001", "i-00000000000000002"]
    summaries = [{"ec2VirtualMachineSummary": {"instanceID": ids[0]}}, {"noConnectorVirtualMachineSummary": {"instanceID": ids[0]}}]
    others = [{"ec2VirtualMachineSummary": {"instanceID": ids[1]}}]
    tenant.seed("computers", *({"ID": number, "hostName": f"h{number}", **one} for number, one in enumerate([*summaries, *others], 1)))
    said = {"schedule": {"workload_protection": [{"url": tenant.url}, {"url": tenant.url, "auth": "api-secret-key"}]}}
    rows = f"account,region,instance_id\n1,r,{ids[0]}\n".encode()
    sample = draw(packed(tmp_path, **{"instances.csv": rows, "run.json": json.dumps(said).encode()}), SEED, 1, HELD)
    calls = [line.strip() for line in pages(sample)[0].splitlines() if line.startswith("    curl ")]
    assert [("Authorization: ApiKey" in call, "api-secret-key" in call) for call in calls] == [(True, False)] * 2 + [(False, True)] * 2
    found = []
    for call in calls[:2]:
        environment = {"PATH": "/usr/bin:/bin", "WP_API_KEY": KEY}
        done = subprocess.run(["/bin/sh", "-c", call], capture_output=True, check=True, env=environment, timeout=60)
        found.append([computer["ID"] for computer in json.loads(done.stdout)["computers"]])
    assert found == [[1], [2]]
