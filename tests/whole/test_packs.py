"""The packs of real runs, signed by KMS, their chain and their zips in buckets of another account: they hold for `reporter verify` and for the
README's commands; a sample can be traced."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import boto3
import pytest
import yaml

from reporter.evidence.sample import draw
from reporter.evidence.trust import trust
from reporter.evidence.verify import verify
from reporter.evidence.zipped import write
from tests.evidence.chains import commands, failing
from tests.whole.conftest import Served
from tests.whole.test_run import CLOCK, reporter

pytestmark = pytest.mark.xdist_group("whole")


@pytest.fixture(scope="module")
def vault(served: Served) -> Any:
    """S3 of an account that holds evidence and nothing else, with a bucket for the state and one for packs."""
    role = "arn:aws:iam::999988887777:role/evidence"
    given = boto3.client("sts", region_name="us-east-1").assume_role(RoleArn=role, RoleSessionName="evidence")["Credentials"]
    names = {"aws_access_key_id": "AccessKeyId", "aws_secret_access_key": "SecretAccessKey", "aws_session_token": "SessionToken"}
    s3 = boto3.client("s3", region_name="us-east-1", **{name: given[theirs] for name, theirs in names.items()})
    s3.create_bucket(Bucket="evidence-state")
    s3.create_bucket(Bucket="evidence-packs", ObjectLockEnabledForBucket=True)
    return s3


@pytest.fixture(scope="module")
def out(served: Served, vault: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A scheduled run, and the same judged twice again; the last time on another machine, which has that one run alone."""
    place = tmp_path_factory.mktemp("packs")
    kms = boto3.client("kms", region_name="eu-central-1")
    key = kms.create_key(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")["KeyMetadata"]["Arn"]
    asked = {"evidence": {"key": f"kms:{key}", "store": "s3://evidence-packs/prod"}, "state": "s3://evidence-state/prod"}
    (place / "schedule.yaml").write_text(yaml.safe_dump({**yaml.safe_load(served.schedule), **asked}), encoding="utf-8")
    first = reporter(served, "run", "--schedule", place / "schedule.yaml", "--out", place / "out", "--now", CLOCK)
    assert first.returncode == 0, first.stdout + first.stderr
    assert "pack     sent  s3://evidence-packs/prod/main/run-000001.zip" in first.stdout
    for machine in ("out", "other"):
        if machine == "other":
            shutil.copytree(place / "out" / "run-000001", place / "other" / "run-000001")
        again = reporter(served, "judge", place / machine / "run-000001")
        assert again.returncode == 0, again.stdout + again.stderr
    (place / "other" / "run-000003").rename(place / "out" / "run-000003")
    pem = ["openssl", "pkey", "-pubin", "-inform", "DER", "-out", str(place / "held.pem")]
    subprocess.run(pem, input=kms.get_public_key(KeyId=key)["PublicKey"], check=True)
    return place / "out"


def test_every_pack_is_in_the_bucket_locked_and_the_same_as_its_folder(out: Path, vault: Any) -> None:
    for number in (1, 2, 3):
        stored = vault.get_object(Bucket="evidence-packs", Key=f"prod/main/run-{number:06d}.zip")
        assert stored["ObjectLockMode"] == "GOVERNANCE"
        write(out / f"run-{number:06d}", out.parent / "zip")
        assert stored["Body"].read() == (out.parent / "zip").read_bytes()
    seal = vault.get_object(Bucket="evidence-state", Key="prod/chain/main/after-000002/SEAL.txt")["Body"].read()
    assert seal == (out / "run-000003" / "SEAL.txt").read_bytes()
    assert b"signing-key: AWS KMS arn:aws:kms:eu-central-1:" in seal


def test_the_runs_form_a_chain(out: Path, served: Served) -> None:
    done = reporter(served, "verify", *sorted(out.glob("run-*")), "--key", out.parent / "held.pem")
    assert done.returncode == 0, done.stdout
    assert done.stdout.count("OK  ") == 3
    shutil.copytree(out, out.parent / "cut")
    shutil.rmtree(out.parent / "cut" / "run-000002")
    cut = reporter(served, "verify", *sorted((out.parent / "cut").glob("run-*")), "--key", out.parent / "held.pem")
    assert (cut.returncode, "main-000003  sequence-gap chain-broken" in cut.stdout) == (1, True)


def test_the_commands_of_each_readme_say_the_same(out: Path) -> None:
    for run in sorted(out.glob("run-*")):
        steps = commands((run / "README.txt").read_text(encoding="ascii"))
        assert failing(out, steps, out.parent / "held.pem") == {}


def test_the_readme_and_the_seal_before_are_sealed_and_named_in_run_json(out: Path) -> None:
    sealed = (out / "run-000002" / "SHA256SUMS").read_text()
    named = json.loads((out / "run-000002" / "run.json").read_text())["files"]
    for name in ("README.txt", "LIESMICH.txt", "previous-SEAL.txt"):
        assert f"  {name}\n" in sealed
        assert name in named
    assert not (out / "run-000001" / "previous-SEAL.txt").exists()
    assert (out / "run-000002" / "previous-SEAL.txt").read_bytes() == (out / "run-000001" / "SEAL.txt").read_bytes()


def test_a_sampled_instance_is_traced_to_what_was_received(out: Path) -> None:
    held = trust([out.parent / "held.pem"], [])
    write(out / "run-000001", out.parent / "one.zip")
    assert verify([out.parent / "one.zip"], held)[0].words() == []
    sample = draw(out.parent / "one.zip", "whole", 5, held)
    for item in sample.items:
        assert any(mention.file.endswith("DescribeInstances.xml.zst") for mention in item.mentions.files), item.id
        assert item.results
        assert item.mentions.unsearched == {}
