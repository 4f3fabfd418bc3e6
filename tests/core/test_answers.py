from __future__ import annotations

import json
from urllib.parse import quote

import pytest

from reporter.core.answers import canonical, chunks, field, policy_document, tags
from reporter.core.errors import Unavailable

POLICY = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*"}]}'


@pytest.mark.parametrize("item", [{}, {"Name": None}, {"Name": ""}])
def test_a_missing_field_makes_the_answer_unbelievable(item: dict[str, object]) -> None:
    with pytest.raises(Unavailable, match="ec2 DescribeInstances: an answer without Name"):
        field(item, "Name", "ec2 DescribeInstances")


@pytest.mark.parametrize("value", [0, False, "x"])
def test_zero_and_false_are_values(value: object) -> None:
    assert field({"Name": value}, "Name", "call") == value


def test_tags_are_one_object_with_sorted_keys() -> None:
    assert tags([{"Key": "b", "Value": "2"}, {"Key": "a", "Value": "ä"}, {"Key": "c"}]) == '{"a": "ä", "b": "2", "c": ""}'


def test_no_tags_are_an_empty_object() -> None:
    assert tags([]) == "{}"


def test_a_lone_surrogate_stays_an_escape_that_can_be_stored_and_read_back() -> None:
    text = canonical({"a": "\ud800"})
    assert text.encode("utf-8") == b'{"a": "\\ud800"}'
    assert json.loads(text) == {"a": "\ud800"}


def test_bytes_are_base64() -> None:
    assert canonical({"SearchString": b"/admin"}) == '{"SearchString": "L2FkbWlu"}'


def test_what_has_no_json_form_is_a_defect() -> None:
    with pytest.raises(TypeError):
        canonical({"a": object()})


@pytest.mark.parametrize("form", [json.loads(POLICY), POLICY, quote(POLICY), f"\n{POLICY} "])
def test_a_policy_is_the_same_text_in_whatever_form_it_arrives(form: object) -> None:
    assert policy_document(form) == canonical(json.loads(POLICY))


def test_percent_signs_inside_plain_json_are_left_alone() -> None:
    assert policy_document('{"Resource":"arn:aws:s3:::b/%41*"}') == '{"Resource": "arn:aws:s3:::b/%41*"}'


@pytest.mark.parametrize(
    "text",
    [None, "", "no json", "[]", '"text"', "{", '{"a":NaN}', '{"Effect":"Deny","Effect":"Allow"}', '{"a":' + "[" * 100_000 + "]" * 100_000 + "}"],
    ids=["none", "empty", "words", "list", "string", "cut", "nan", "key twice", "deep"],
)
def test_what_is_no_one_object_is_no_policy(text: str | None) -> None:
    assert policy_document(text) is None


def test_chunks_keep_order_and_size() -> None:
    assert list(chunks([1, 2, 3, 4, 5], 2)) == [[1, 2], [3, 4], [5]]
    assert list(chunks([], 2)) == []
