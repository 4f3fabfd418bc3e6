from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import boto3
import pytest

from reporter.core.errors import Denied, Unavailable
from reporter.sources.iam import SOURCE
from tests.sources.aws_wire import ACCOUNT, Wire, read, reader, wire

__all__ = ["read", "wire"]

Read = Callable[..., dict[str, list[dict[str, Any]]]]

ROLE = f"arn:aws:iam::{ACCOUNT}:role/app/web"
AWS_POLICY = "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess"
TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}


def _allow(action: str) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": action, "Resource": "*"}]}


def _sorted(document: dict[str, Any]) -> str:
    return json.dumps(document, sort_keys=True)


def _page(roles: str = "", policies: str = "", marker: str = "") -> str:
    following = f"<IsTruncated>true</IsTruncated><Marker>{marker}</Marker>" if marker else "<IsTruncated>false</IsTruncated>"
    lists = f"<RoleDetailList>{roles}</RoleDetailList><Policies>{policies}</Policies><UserDetailList/><GroupDetailList/>"
    result = f"<GetAccountAuthorizationDetailsResult>{lists}{following}</GetAccountAuthorizationDetailsResult>"
    return f"<GetAccountAuthorizationDetailsResponse>{result}</GetAccountAuthorizationDetailsResponse>"


def _role(arn: str = ROLE, inside: str = "", trust: str = json.dumps(TRUST)) -> str:
    name = arn.rsplit("/", 1)[1]
    head = f"<Arn>{arn}</Arn><RoleName>{name}</RoleName><Path>/app/</Path>"
    return f"<member>{head}<AssumeRolePolicyDocument>{quote(trust)}</AssumeRolePolicyDocument>{inside}</member>"


def _policy(arn: str, *versions: tuple[str, bool]) -> str:
    listed = "".join(
        f"<member><VersionId>v{number}</VersionId><IsDefaultVersion>{str(default).lower()}</IsDefaultVersion><Document>{quote(text)}</Document></member>"
        for number, (text, default) in enumerate(versions, 1)
    )
    return f"<member><Arn>{arn}</Arn><PolicyVersionList>{listed}</PolicyVersionList></member>"


def _attached(*arns: str) -> str:
    members = "".join(f"<member><PolicyName>p</PolicyName><PolicyArn>{arn}</PolicyArn></member>" for arn in arns)
    return f"<AttachedManagedPolicies>{members}</AttachedManagedPolicies>"


def _boundary(arn: str) -> str:
    return f"<PermissionsBoundary><PermissionsBoundaryArn>{arn}</PermissionsBoundaryArn></PermissionsBoundary>"


def test_an_empty_account_has_no_rows(read: Read) -> None:
    assert read(SOURCE, "global") == {"iam_roles": [], "iam_role_policies": []}


def test_a_role_has_its_trust_boundary_profiles_and_every_kind_of_policy(read: Read) -> None:
    iam = boto3.client("iam", "us-east-1")
    boundary = iam.create_policy(PolicyName="edge", PolicyDocument=json.dumps(_allow("s3:*")))["Policy"]["Arn"]
    own = iam.create_policy(PolicyName="own", PolicyDocument=json.dumps(_allow("s3:GetObject")))["Policy"]["Arn"]
    role = iam.create_role(RoleName="web", Path="/app/", AssumeRolePolicyDocument=json.dumps(TRUST), PermissionsBoundary=boundary)["Role"]["Arn"]
    iam.put_role_policy(RoleName="web", PolicyName="in=line", PolicyDocument=json.dumps(_allow("s3:PutObject")))
    iam.attach_role_policy(RoleName="web", PolicyArn=own)
    profile = iam.create_instance_profile(InstanceProfileName="web")["InstanceProfile"]["Arn"]
    iam.add_role_to_instance_profile(InstanceProfileName="web", RoleName="web")
    found = read(SOURCE, "global")
    assert found["iam_roles"] == [
        {
            "account": ACCOUNT,
            "region": "global",
            "role_arn": role,
            "name": "web",
            "path": "/app/",
            "trust": _sorted(TRUST),
            "boundary_arn": boundary,
            "boundary": _sorted(_allow("s3:*")),
            "instance_profile_arns": (profile,),
        }
    ]
    assert [(row["policy"], row["document"]) for row in found["iam_role_policies"]] == [
        (own, _sorted(_allow("s3:GetObject"))),
        ("inline:in=line", _sorted(_allow("s3:PutObject"))),
    ]


def test_an_attached_policy_of_aws_comes_with_its_default_version(read: Read, wire: Wire) -> None:
    old, new = json.dumps(_allow("s3:*")), json.dumps(_allow("s3:Get*"))
    wire.answer("GetAccountAuthorizationDetails", _page(_role(inside=_attached(AWS_POLICY)), _policy(AWS_POLICY, (old, False), (new, True))))
    (row,) = read(SOURCE, "global")["iam_role_policies"]
    assert (row["policy"], row["document"]) == (AWS_POLICY, _sorted(_allow("s3:Get*")))
    assert any("Filter.member.2=AWSManagedPolicy" in text for text in wire.requests("GetAccountAuthorizationDetails"))


@pytest.mark.parametrize(
    "policies",
    ["", _policy(AWS_POLICY, ("no json", True)), _policy(AWS_POLICY, (json.dumps(_allow("s3:*")), False)), _policy(AWS_POLICY)],
    ids=["not in the answer", "no json", "no default version", "no version"],
)
def test_a_document_that_cannot_be_read_is_none_and_never_empty(read: Read, wire: Wire, policies: str) -> None:
    wire.answer("GetAccountAuthorizationDetails", _page(_role(inside=_attached(AWS_POLICY) + _boundary(AWS_POLICY)), policies))
    found = read(SOURCE, "global")
    assert found["iam_role_policies"][0]["document"] is None
    assert (found["iam_roles"][0]["boundary_arn"], found["iam_roles"][0]["boundary"]) == (AWS_POLICY, None)


def test_a_role_without_a_boundary_has_none(read: Read, wire: Wire) -> None:
    wire.answer("GetAccountAuthorizationDetails", _page(_role()))
    (row,) = read(SOURCE, "global")["iam_roles"]
    assert (row["boundary_arn"], row["boundary"], row["instance_profile_arns"]) == (None, None, ())


def test_roles_and_policies_that_lie_mixed_over_two_pages_find_each_other(read: Read, wire: Wire) -> None:
    other, document = f"{ROLE}-2", json.dumps(_allow("s3:*"))
    first = _page(_role(inside=_attached(AWS_POLICY)), _policy("arn:aws:iam::aws:policy/Other", (document, True)), marker="more")
    second = _page(_role(other, inside=_attached(AWS_POLICY)), _policy(AWS_POLICY, (document, True)))
    wire.answer("GetAccountAuthorizationDetails", second, holds=("Marker=more",))
    wire.answer("GetAccountAuthorizationDetails", first)
    rows = read(SOURCE, "global")["iam_role_policies"]
    assert [(row["role_arn"], row["document"]) for row in rows] == [(ROLE, _sorted(_allow("s3:*"))), (other, _sorted(_allow("s3:*")))]


def test_a_trust_policy_that_is_no_json_makes_the_answer_unbelievable(wire: Wire) -> None:
    wire.answer("GetAccountAuthorizationDetails", _page(_role(trust="<html>")))
    with pytest.raises(Unavailable, match="trust policy"):
        SOURCE.fetch(reader(SOURCE, "global"))


def test_a_refusal_names_the_permission(wire: Wire) -> None:
    wire.refuse("GetAccountAuthorizationDetails")
    with pytest.raises(Denied) as raised:
        SOURCE.fetch(reader(SOURCE, "global"))
    assert raised.value.permission == "iam:GetAccountAuthorizationDetails"
    assert raised.value.permission in SOURCE.permissions
