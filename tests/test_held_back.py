from __future__ import annotations

import pytest

from reporter.core.errors import ScheduleError
from reporter.held_back import held_back
from reporter.schedule import parse
from tests.test_schedule import GOOD


def test_a_plain_schedule_asks_for_nothing_that_is_not_done() -> None:
    assert held_back(parse(GOOD, "here")) == ()


def test_each_thing_that_is_asked_for_and_not_done_is_a_sentence() -> None:
    schedule = parse(
        GOOD
        + """
deliver: {email: {sender: a@example.com, ses: {region: us-east-1}}, s3: {bucket: b}, config_rules: {unknown: retire}, security_hub: {region: c}}
evidence: {key: "file:/keys/seal.pem", store: "s3://bucket/packs"}
""",
        "here",
    )
    names = [sentence.partition(":")[0] for sentence in held_back(schedule)]
    assert names == ["deliver.s3", "deliver.security_hub", "deliver.config_rules", "evidence.store"]
    assert held_back(schedule)[0] == "deliver.s3: the files are written here, this version sends them nowhere"


@pytest.mark.parametrize(
    ("more", "said", "where"),
    [
        ('evidence: {key: "kms:alias/reporter-seal"}', "signs with a local key only", "evidence.key"),
    ],
)
def test_what_would_be_dangerous_to_pass_over_in_silence_is_refused(more: str, said: str, where: str) -> None:
    with pytest.raises(ScheduleError, match=said) as caught:
        held_back(parse(GOOD + more, "here"))
    assert (caught.value.where, caught.value.exit_code) == (where, 2)
