"""STS, IAM, S3 and Organizations: thirty roles and two buckets an account; instances use two of the roles, one of which may read a bucket."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import lru_cache
from urllib.parse import quote

from bench.estate.call import Call, Made
from bench.estate.size import BUCKETS, CALLER, ROLES

_TRUST = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}]}
_USED = ("web", "batch")


def bucket_names(account: str) -> list[str]:
    return [f"data-{account}-{number}" for number in range(BUCKETS)]


def key_of(account: str) -> str:
    """Access key that says whose it is."""
    return f"ASIA{account}EXAM"


def _assumed(call: Call) -> Made:
    account = call.given["RoleArn"].split(":")[4]
    return (
        '<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult><AssumedRoleUser>'
        f"<Arn>arn:aws:sts::{account}:assumed-role/reporter-read/bench</Arn><AssumedRoleId>AROAEXAMPLE:bench</AssumedRoleId></AssumedRoleUser>"
        f"<Credentials><AccessKeyId>{key_of(account)}</AccessKeyId><SecretAccessKey>none</SecretAccessKey><SessionToken>none</SessionToken>"
        "<Expiration>2099-01-01T00:00:00Z</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>"
    ).encode()


def _identity(call: Call) -> Made:
    return (
        '<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult>'
        f"<Arn>arn:aws:sts::{call.account}:assumed-role/reporter-read/bench</Arn><UserId>AROAEXAMPLE:bench</UserId><Account>{call.account}</Account>"
        "</GetCallerIdentityResult></GetCallerIdentityResponse>"
    ).encode()


def _details(call: Call) -> Made:
    first = call.given.get("Filter.member.1")
    held = _roles(call.account) if first == "Role" else ""
    return (
        '<GetAccountAuthorizationDetailsResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/"><GetAccountAuthorizationDetailsResult>'
        f"<IsTruncated>false</IsTruncated><UserDetailList/><GroupDetailList/><RoleDetailList>{held}</RoleDetailList>"
        f"<Policies>{_POLICY if first != 'Role' else ''}</Policies></GetAccountAuthorizationDetailsResult></GetAccountAuthorizationDetailsResponse>"
    ).encode()


_POLICY = (
    "<member><PolicyName>ReadOnly</PolicyName><PolicyId>ANPAEXAMPLE</PolicyId><Arn>arn:aws:iam::aws:policy/ReadOnly</Arn><Path>/</Path>"
    "<DefaultVersionId>v1</DefaultVersionId><AttachmentCount>1</AttachmentCount><IsAttachable>true</IsAttachable><PolicyVersionList><member><Document>"
    + quote(json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": ["ec2:Describe*"], "Resource": "*"}]}))
    + "</Document><VersionId>v1</VersionId><IsDefaultVersion>true</IsDefaultVersion></member></PolicyVersionList></member>"
)


@lru_cache(maxsize=4)
def _roles(account: str) -> str:
    return "".join(_role(account, name) for name in (*_USED, *(f"role-{number}" for number in range(ROLES - len(_USED)))))


def _role(account: str, name: str) -> str:
    arn = f"arn:aws:iam::{account}:role/{name}"
    bucket = bucket_names(account)[0]
    allowed = {"Effect": "Allow", "Action": ["s3:GetObject"], "Resource": f"arn:aws:s3:::{bucket}/*"} if name == "web" else {
        "Effect": "Allow", "Action": ["logs:PutLogEvents"], "Resource": "*",
    }  # fmt: skip
    own = quote(json.dumps({"Version": "2012-10-17", "Statement": [allowed]}))
    profile = (
        f"<member><InstanceProfileName>{name}</InstanceProfileName><InstanceProfileId>AIPAEXAMPLE</InstanceProfileId>"
        f"<Arn>arn:aws:iam::{account}:instance-profile/{name}</Arn><Path>/</Path><CreateDate>2024-01-01T00:00:00Z</CreateDate><Roles/></member>"
    )
    return (
        f"<member><Path>/</Path><RoleName>{name}</RoleName><RoleId>AROAEXAMPLE</RoleId><Arn>{arn}</Arn><CreateDate>2024-01-01T00:00:00Z</CreateDate>"
        f"<AssumeRolePolicyDocument>{quote(json.dumps(_TRUST))}</AssumeRolePolicyDocument>"
        f"<InstanceProfileList>{profile if name in _USED else ''}</InstanceProfileList>"
        f"<RolePolicyList><member><PolicyName>own</PolicyName><PolicyDocument>{own}</PolicyDocument></member></RolePolicyList>"
        "<AttachedManagedPolicies><member><PolicyName>ReadOnly</PolicyName><PolicyArn>arn:aws:iam::aws:policy/ReadOnly</PolicyArn></member>"
        "</AttachedManagedPolicies><Tags/></member>"
    )


def _buckets(call: Call) -> Made:
    names = [] if call.account == CALLER else bucket_names(call.account)
    listed = "".join(
        f"<Bucket><Name>{name}</Name><CreationDate>2024-01-01T00:00:00.000Z</CreationDate><BucketRegion>{call.estate.size.places[0]}</BucketRegion></Bucket>"
        for name in names[: int(call.given.get("max-buckets") or 10_000)]
    )
    return (
        '<ListAllMyBucketsResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
        f"<Owner><ID>{_owner(call.account)}</ID></Owner><Buckets>{listed}</Buckets></ListAllMyBucketsResult>"
    ).encode()


def _owner(account: str) -> str:
    return account * 5


def _bucket_policy(call: Call) -> Made:
    statement = {"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": f"arn:aws:s3:::{call.path.strip('/')}/*",
                 "Condition": {"Bool": {"aws:SecureTransport": "false"}}}  # fmt: skip
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]}).encode()


def _bucket_acl(call: Call) -> Made:
    owner = _owner(call.account)
    return (
        f'<AccessControlPolicy xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Owner><ID>{owner}</ID></Owner><AccessControlList><Grant>'
        f'<Grantee xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="CanonicalUser"><ID>{owner}</ID></Grantee>'
        "<Permission>FULL_CONTROL</Permission></Grant></AccessControlList></AccessControlPolicy>"
    ).encode()


_BLOCK = (
    b'<PublicAccessBlockConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><BlockPublicAcls>true</BlockPublicAcls>'
    b"<IgnorePublicAcls>true</IgnorePublicAcls><BlockPublicPolicy>true</BlockPublicPolicy><RestrictPublicBuckets>true</RestrictPublicBuckets>"
    b"</PublicAccessBlockConfiguration>"
)
_OWNERSHIP = b'<OwnershipControls xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Rule><ObjectOwnership>BucketOwnerEnforced</ObjectOwnership></Rule></OwnershipControls>'
_ENCRYPTION = (
    b'<ServerSideEncryptionConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Rule><ApplyServerSideEncryptionByDefault>'
    b"<SSEAlgorithm>AES256</SSEAlgorithm></ApplyServerSideEncryptionByDefault></Rule></ServerSideEncryptionConfiguration>"
)


def _organization(_: Call) -> Made:
    return {
        "Organization": {
            "Id": "o-example",
            "Arn": f"arn:aws:organizations::{CALLER}:organization/o-example",
            "FeatureSet": "ALL",
            "MasterAccountId": CALLER,
        }
    }


def _roots(_: Call) -> Made:
    return {"Roots": [{"Id": "r-exam", "Arn": f"arn:aws:organizations::{CALLER}:root/o-example/r-exam", "Name": "Root", "PolicyTypes": []}]}


def _accounts(call: Call) -> Made:
    listed, after = call.page([CALLER, *call.estate.size.ids], "MaxResults", 20, "NextToken")
    accounts = [
        {"Id": account, "Arn": f"arn:aws:organizations::{CALLER}:account/o-example/{account}", "Name": f"account {account}", "Status": "ACTIVE",
         "State": "ACTIVE", "JoinedMethod": "CREATED"}
        for account in listed
    ]  # fmt: skip
    return {"Accounts": accounts, **({"NextToken": after} if after else {})}


ANSWERS: dict[tuple[str, str], Callable[[Call], Made]] = {
    ("sts", "AssumeRole"): _assumed,
    ("sts", "GetCallerIdentity"): _identity,
    ("iam", "GetAccountAuthorizationDetails"): _details,
    ("s3", "ListBuckets"): _buckets,
    ("s3", "GetBucketPolicy"): _bucket_policy,
    ("s3", "GetBucketAcl"): _bucket_acl,
    ("s3", "GetBucketPublicAccessBlock"): lambda _: _BLOCK,
    ("s3", "GetPublicAccessBlock"): lambda _: _BLOCK,
    ("s3", "GetBucketOwnershipControls"): lambda _: _OWNERSHIP,
    ("s3", "GetBucketEncryption"): lambda _: _ENCRYPTION,
    ("organizations", "DescribeOrganization"): _organization,
    ("organizations", "ListRoots"): _roots,
    ("organizations", "ListAccountsForParent"): _accounts,
    ("organizations", "ListAccounts"): _accounts,
    ("organizations", "ListOrganizationalUnitsForParent"): lambda _: {"OrganizationalUnits": []},
}
