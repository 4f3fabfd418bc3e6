"""A chain of small packs as a run leaves them, and the checks of README.txt run by a shell."""

from __future__ import annotations

import atexit
import hashlib
import re
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import pyarrow as pa
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from reporter.evidence.folder import keep_previous_seal
from reporter.evidence.inspected import parse
from reporter.evidence.seal import Seal
from reporter.evidence.trust import Trust
from reporter.reports import readme
from tests.evidence.pack import KEY, NOW, sealed
from tests.reports.views import view

PROGRAMS = ("sh", "openssl", "sha256sum", "sed", "cut", "ls", "find", "sort", "uniq", "grep")
HELD = Trust((KEY.public_key(),))
INSTANCES = """account,region,instance_id,owner,protection,computer_id
111122223333,eu-central-1,i-00000000000000001,payments,protected,7
111122223333,eu-central-1,i-00000000000000002,,unmanaged,
444455556666,us-east-1,i-00000000000000003,orders,unknown,
"""
RESULTS = """check_id,resource,account,region,status,reason,first_seen
instance_protected,i-00000000000000001,111122223333,eu-central-1,PASS,the agent is active,2026-11-24T03:00:00Z
instance_protected,i-00000000000000002,111122223333,eu-central-1,FAIL,no computer stands for it,2026-11-24T03:00:00Z
instance_protected,i-00000000000000001,444455556666,us-east-1,FAIL,another account's,2026-11-24T03:00:00Z
"""
ANSWER = b'{"Reservations":[{"InstanceId":"I-00000000000000001","Tags":["a"]},\n{"InstanceId":"i-000000000000000011"}]}'


def chain(
    out: Path, count: int = 3, *, key: ec.EllipticCurvePrivateKey = KEY, name: str = "main", files: Mapping[str, bytes] | None = None
) -> list[str]:
    """Packs run-000001, … below a folder. Returns their seals' hashes."""
    seals: list[str] = []
    for sequence in range(1, count + 1):
        run = out / f"run-{sequence:06d}"
        fill(run, f"{name}-{sequence:06d}", files or {})
        last = out / f"run-{sequence - 1:06d}" / "SEAL.txt"
        keep_previous_seal(run.rename(out / ".building"), last.read_bytes() if seals else None)
        before = f"{name}-{sequence - 1:06d}" if seals else ""
        facts = Seal(name, sequence, f"{name}-{sequence:06d}", NOW, "0.1.0", before, seals[-1] if seals else "")
        seals.append(sealed(out / ".building", facts, key))
        (out / ".building").rename(run)
    return seals


def fill(run: Path, run_id: str, files: Mapping[str, bytes]) -> None:
    (run / "raw" / "ec2").mkdir(parents=True)
    (run / "mail").mkdir()
    readme.write(run, view(run_id=run_id, kind="scheduled"))
    content = {
        "instances.csv": INSTANCES.encode(),
        "results.csv": RESULTS.encode(),
        "scopes.csv": f"account,region\n{run_id},-\n".encode(),
        "run.json": f'{{"id": "{run_id}"}}\n'.encode(),
        "mail/summary.eml": b"Subject: x\r\n\r\nx\r\n",
        "raw/ec2/000000-DescribeInstances.json.zst": pa.Codec("zstd").compress(ANSWER, asbytes=True),
        **files,
    }
    for name, data in content.items():
        (run / name).write_bytes(data)


def public_pem(key: ec.EllipticCurvePrivateKey = KEY) -> bytes:
    return key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


def seal_again(run: Path, key: ec.EllipticCurvePrivateKey = KEY, **lines: str) -> None:
    """Sign the seal again with lines changed (underscores stand for dashes); the hash of SHA256SUMS is that of the file, unless given."""
    said = parse((run / "SEAL.txt").read_bytes())
    said["sha256-of-SHA256SUMS"] = hashlib.sha256((run / "SHA256SUMS").read_bytes()).hexdigest()
    said |= {name.replace("_", "-") if name.replace("_", "-") in said else name: value for name, value in lines.items()}
    sign(run, "".join(f"{name}: {value}\n" for name, value in said.items()).encode(), key)


def sign(run: Path, text: bytes, key: ec.EllipticCurvePrivateKey = KEY) -> None:
    (run / "SEAL.txt").write_bytes(text)
    (run / "SEAL.txt.sig").write_bytes(key.sign(text, ec.ECDSA(hashes.SHA256())))


def commands(readme_text: str) -> dict[int, str]:
    """The commands under each number of README.txt; 0: the line that names the key."""
    found: dict[int, str] = {}
    number = 0
    for line in readme_text.splitlines():
        if match := re.match(r"(\d)\. ", line):
            number = int(match[1])
        elif line.startswith("    "):
            found[number] = f"{found.get(number, '')}{line.strip()}\n"
    return found


def failing(out: Path, steps: Mapping[int, str], key: Path) -> dict[str, set[int]]:
    """Run -> numbers of the README's steps that do not come out as it says they must, in a shell without Python."""
    found: dict[str, set[int]] = {}
    for run in sorted(path for path in out.iterdir() if path.name.startswith("run-")):
        found[run.name] = {number for number in (1, 2, 3, 4, 5) if not _holds(number, run, steps[number], key)}
    return {run: numbers for run, numbers in found.items() if numbers}


@cache
def programs() -> Path:
    """A folder with the programs that the README's commands are made of, and no other: no Python."""
    folder = Path(tempfile.mkdtemp(prefix="programs-"))
    atexit.register(shutil.rmtree, folder)
    for name in PROGRAMS:
        found = shutil.which(name)
        assert found, name
        (folder / name).symlink_to(found)
    return folder


def _holds(number: int, run: Path, command: str, key: Path) -> bool:
    seal_file = run / "SEAL.txt"
    if number == 5 and seal_file.is_file() and b"previous-run_id: none\n" in seal_file.read_bytes():
        return True
    environment = {"PATH": str(programs()), "KEY": str(key), "LC_ALL": "C"}
    done = subprocess.run([str(programs() / "sh"), "-c", command], cwd=run, capture_output=True, env=environment, check=False, timeout=60)
    if number in (3, 4):  # must print nothing
        return done.stdout + done.stderr == b""
    wanted = {1: b"Verified OK", 2: b": OK", 5: b": OK"}[number]
    return done.returncode == 0 and done.stdout.count(wanted) == (1 if number == 1 else 2)
