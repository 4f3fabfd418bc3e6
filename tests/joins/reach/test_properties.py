"""What holds of every decision, whatever the policies say."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from reporter.joins.reach.policy import parse
from reporter.joins.reach.truth import Reach, Truth
from tests.examples import examples
from tests.joins.reach.vectors import ACCOUNTS, BUCKET, DELETE, EVERYBODY, GET, PUT, ROLE, ROOT, SESSION, UNREAD, Vector, decided

ORDER = (Reach.NO, Reach.CONDITIONAL, Reach.YES)

actions = st.sampled_from(["*", "s3:*", "s3:Get*", GET, PUT, DELETE, "ec2:*"])
resources = st.sampled_from(
    [
        "*",
        f"{BUCKET}/*",
        BUCKET,
        f"{BUCKET}/a*",
        f"{BUCKET}/*b",
        f"{BUCKET}/ab",
        "arn:aws:s3:::ledger/*",
        "arn:aws:s3:::invoices/${aws:PrincipalTag/x}/*",
    ]
)
conditions = st.sampled_from(
    [
        {},
        {"Bool": {"aws:SecureTransport": "false"}},
        {"StringEquals": {"aws:PrincipalAccount": "111122223333"}},
        {"StringNotEquals": {"aws:SourceVpce": "vpce-1"}},
        {"ForAllValues:StringEquals": {"aws:TagKeys": ["x"]}},
        {"Null": {"aws:username": "true"}},
    ]
)
principals = st.sampled_from(["*", {"AWS": ROLE}, {"AWS": ROOT}, {"AWS": SESSION}, {"AWS": "444455556666"}, {"Service": "ec2.amazonaws.com"}])
effects = st.sampled_from(["Allow", "Allow", "Deny"])


@st.composite
def statements(draw: st.DrawFn, effect: st.SearchStrategy[str] = effects, named: bool = False) -> dict[str, Any]:
    made = {
        "Effect": draw(effect),
        draw(st.sampled_from(["Action", "Action", "Action", "NotAction"])): draw(st.lists(actions, min_size=1, max_size=2)),
        draw(st.sampled_from(["Resource", "Resource", "Resource", "NotResource"])): draw(st.lists(resources, min_size=1, max_size=2)),
        "Condition": draw(conditions),
    }
    if named:
        made[draw(st.sampled_from(["Principal", "Principal", "NotPrincipal"]))] = draw(principals)
    return made


documents = st.lists(statements(), min_size=1, max_size=3)
truths = st.sampled_from(list(Truth))
vectors = st.builds(
    Vector,
    name=st.just("drawn"),
    expected=st.just(Reach.NO),
    identity=st.lists(documents, max_size=2).map(tuple),
    policy=st.one_of(st.just(()), st.lists(statements(named=True), min_size=1, max_size=3)),
    boundary=st.one_of(st.just(()), documents),
    scps=st.lists(st.lists(documents, min_size=1, max_size=2), max_size=2),
    rcps=st.lists(documents, max_size=1).map(tuple),
    owner=st.sampled_from(ACCOUNTS),
    action=st.sampled_from([GET, PUT, DELETE]),
    restrict=truths,
    ignore_acls=truths,
    acls=truths,
    grants=st.sampled_from([(), (f"WRITE {EVERYBODY}",), ("FULL_CONTROL c0ffee",), None]),
    kms=st.sampled_from([None, None, "alias/x"]),
    session=st.sampled_from([None, "i-0000000000000001"]),
)
PARTS = ("identity", "policy", "boundary", "scps", "rcps")
many = examples(60)


def rank(vector: Vector) -> int:
    return ORDER.index(decided(vector).reach)


def with_document(vector: Vector, part: str, document: Any) -> Vector:
    """One more policy document, where the part may have more than one; else in its place."""
    if part == "identity":
        return replace(vector, identity=(*vector.identity, document))
    if part == "rcps":
        return replace(vector, rcps=(*vector.rcps, document))
    if part == "scps":
        return replace(vector, scps=[[*level, document] for level in vector.scps] or [[document]])
    return replace(vector, policy=document) if part == "policy" else replace(vector, boundary=document)


@many
@given(vectors, st.sampled_from(PARTS), statements(st.just("Deny"), named=True))
def test_one_more_denial_never_widens_reach(vector: Vector, part: str, denial: dict[str, Any]) -> None:
    if part == "policy":
        more = replace(vector, policy=[*vector.policy, denial])
    elif part == "boundary":
        more = replace(vector, boundary=[*vector.boundary, denial])
    elif part == "scps":
        more = replace(vector, scps=[[*level, [denial]] for level in vector.scps])
    else:
        more = with_document(vector, part, [denial])
    assert rank(more) <= rank(vector)


@many
@given(vectors, st.sampled_from(PARTS), st.sampled_from([UNREAD, "{", "[]", '{"Statement": 1}', '{"Version": "2012-10-17"}']))
def test_what_cannot_be_read_never_leaves_more_than_conditional(vector: Vector, part: str, document: Any) -> None:
    assert rank(with_document(vector, part, document)) <= ORDER.index(Reach.CONDITIONAL)


@many
@given(vectors, st.sampled_from([UNREAD, "{", "[]"]))
def test_one_more_policy_that_cannot_be_read_shuts_nothing_that_was_open(vector: Vector, document: Any) -> None:
    more = with_document(vector, "identity", document)
    assert (rank(vector) > 0) <= (rank(more) > 0)


@many
@given(vectors, st.randoms(use_true_random=False))
def test_the_order_of_statements_and_policies_does_not_matter(vector: Vector, random: Any) -> None:
    def shuffled(listed: Any) -> Any:
        return random.sample(list(listed), len(listed))

    other = replace(
        vector,
        identity=tuple(shuffled([shuffled(document) for document in vector.identity])),
        policy=shuffled(vector.policy) or (),
        boundary=shuffled(vector.boundary) or (),
        scps=[shuffled([shuffled(document) for document in level]) for level in vector.scps],
        rcps=tuple(shuffled(vector.rcps)),
    )
    assert decided(other).reach is decided(vector).reach


@many
@given(vectors)
def test_the_same_request_gives_the_same_words(vector: Vector) -> None:
    assert decided(vector) == decided(vector)


scalars = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=8), st.sampled_from(["Allow", "Deny", "*", "2012-10-17"]))
words = st.sampled_from(
    ["Version", "Statement", "Effect", "Action", "NotAction", "Resource", "NotResource", "Principal", "NotPrincipal", "Condition"]
)
anything = st.recursive(
    scalars, lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(words | st.text(max_size=5), inner, max_size=4)), max_leaves=15
)
broken = st.builds(
    lambda statement, more: {"Version": "2012-10-17", "Statement": [{**statement, **more}]},
    statements(named=True),
    st.dictionaries(words, anything, max_size=2),
)


@many
@given(st.one_of(st.text(max_size=30), anything.map(json.dumps), broken.map(json.dumps)), st.sampled_from(PARTS), vectors)
def test_no_document_stops_the_run(document: str, part: str, vector: Vector) -> None:
    assert decided(with_document(vector, part, document)).reach in ORDER


def test_a_document_that_nests_without_end_is_malformed() -> None:
    assert parse("deep", "[" * 100_000).unreadable == "is malformed (no JSON)"


def test_a_document_longer_than_any_policy_is_malformed() -> None:
    assert "longer" in parse("long", " " * 300_000).unreadable
