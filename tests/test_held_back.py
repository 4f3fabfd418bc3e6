from __future__ import annotations

from reporter.held_back import held_back
from reporter.schedule import parse
from tests.test_schedule import GOOD


def test_a_plain_schedule_asks_for_nothing_that_is_not_done() -> None:
    assert held_back(parse(GOOD, "here")) == ()


def test_each_thing_that_is_asked_for_and_not_done_is_a_sentence() -> None:
    schedule = parse(
        GOOD
        + """
deliver: {email: {sender: a@example.com, ses: {region: us-east-1}}, s3: {bucket: b}, config_rules: {unknown: retire}, security_hub: {}}
evidence: {key: "kms:alias/seal", store: "s3://bucket/packs"}
""",
        "here",
    )
    names = [sentence.partition(":")[0] for sentence in held_back(schedule)]
    assert names == ["deliver.s3"]
    assert held_back(schedule)[0] == "deliver.s3: the files are written here, this version sends them nowhere"
