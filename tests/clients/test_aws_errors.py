"""Which IAM action a refusal asks for."""

from __future__ import annotations

import pytest
from botocore.exceptions import ClientError

from reporter.clients.aws_errors import from_answer, iam_action
from reporter.core.errors import Denied


@pytest.mark.parametrize(
    ("service", "operation", "action"),
    [
        ("guardduty", "ListFindings", "guardduty:ListFindings"),
        ("elbv2", "DescribeLoadBalancers", "elasticloadbalancing:DescribeLoadBalancers"),
        ("elb", "DescribeLoadBalancers", "elasticloadbalancing:DescribeLoadBalancers"),
        ("s3", "ListBuckets", "s3:ListAllMyBuckets"),
        ("s3", "GetPublicAccessBlock", "s3:GetBucketPublicAccessBlock"),
        ("s3", "GetBucketEncryption", "s3:GetEncryptionConfiguration"),
        ("s3", "GetBucketOwnershipControls", "s3:GetBucketOwnershipControls"),
        ("s3control", "GetPublicAccessBlock", "s3:GetAccountPublicAccessBlock"),
        ("sesv2", "SendEmail", "ses:SendEmail"),
    ],
)
def test_the_iam_action_of_an_operation(service: str, operation: str, action: str) -> None:
    assert iam_action(service, operation) == action


def test_the_action_that_aws_itself_names_goes_before_ours() -> None:
    message = "User: arn:aws:sts::111122223333:assumed-role/x is not authorized to perform: kms:Decrypt on resource: *"
    problem = from_answer(
        ClientError({"Error": {"Code": "AccessDenied", "Message": message}}, "GetObject"), where="x", service="s3", operation="GetObject"
    )
    assert isinstance(problem, Denied)
    assert problem.permission == "kms:Decrypt"


def test_a_long_message_is_one_short_line() -> None:
    problem = from_answer(
        ClientError({"Error": {"Code": "AccessDenied", "Message": "a\n" * 1000}}, "GetObject"), where="x", service="s3", operation="GetObject"
    )
    assert "\n" not in problem.message
    assert len(problem.message) < 400
