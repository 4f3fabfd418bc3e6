from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from reporter.clients.aws_raw import RawAnswer
from reporter.evidence.raw import RawFolder


def answer(**changes: Any) -> RawAnswer:
    given: dict[str, Any] = {
        "account": "111122223333",
        "region": "eu-central-1",
        "source": "ec2",
        "service": "ec2",
        "operation": "describe_instances",
        "sequence": 0,
        "body": b"<x/>",
        "content_type": "text/xml",
    }
    return RawAnswer(**{**given, **changes})


def names(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def content(path: Path) -> bytes:
    with pa.CompressedInputStream(pa.OSFile(str(path)), "zstd") as stream:
        read: bytes = stream.read()
    return read


def test_an_answer_is_kept_byte_for_byte(tmp_path: Path) -> None:
    keep = RawFolder(tmp_path)
    body = bytes(range(256)) * 50
    keep(answer(body=body, sequence=3))
    (name,) = names(tmp_path)
    assert name == "ec2/111122223333/eu-central-1/000003-describe_instances.xml.zst"
    assert content(tmp_path / name) == body
    assert (keep.answers, keep.bytes) == (1, 12800)


@pytest.mark.parametrize("kind", ["application/json", "application/x-amz-json-1.1"])
def test_json_is_called_so(tmp_path: Path, kind: str) -> None:
    RawFolder(tmp_path)(answer(content_type=kind))
    assert names(tmp_path)[0].endswith(".json.zst")


def test_a_tenant_has_its_own_folder(tmp_path: Path) -> None:
    RawFolder(tmp_path)(answer(account="main", region="-", source="wp_roles", operation="roles-1", content_type="application/json"))
    assert names(tmp_path) == ["wp_roles/main/-/000000-roles-1.json.zst"]


@pytest.mark.parametrize("trick", ["../../etc", "..", ".", "", "/etc/passwd", "a/../../b", "a\x00b", "a\nb", "~root", "C:\\x", ".hidden", "é" * 300])
@pytest.mark.parametrize("part", ["account", "region", "source", "operation"])
def test_no_name_leaves_the_folder_or_hides_in_it(tmp_path: Path, trick: str, part: str) -> None:
    folder = tmp_path / "raw"
    RawFolder(folder)(answer(**{part: trick}))
    (path,) = (path for path in tmp_path.rglob("*") if path.is_file())
    assert path.resolve().is_relative_to(folder.resolve())
    parts = path.relative_to(folder).parts
    assert len(parts) == 4
    assert not any(name.startswith(".") or len(name) > 100 for name in parts)


def test_answers_come_from_several_threads(tmp_path: Path) -> None:
    keep = RawFolder(tmp_path)
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda number: keep(answer(sequence=number)), range(100)))
    assert len(names(tmp_path)) == keep.answers == 100
