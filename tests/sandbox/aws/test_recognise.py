from __future__ import annotations

import io
from typing import Any

import pytest

from reporter.sandbox.aws.recognise import recognise

FORM = "application/x-www-form-urlencoded; charset=utf-8"


def environ(path: str = "/", *, signing: str = "", body: bytes = b"", method: str = "POST", **more: str) -> dict[str, Any]:
    signed = {"HTTP_AUTHORIZATION": f"AWS4-HMAC-SHA256 Credential=AKIAEXAMPLEEXAMPLE12/20261124/eu-west-1/{signing}/aws4_request, Signature=0"}
    base = {"REQUEST_METHOD": method, "PATH_INFO": path, "RAW_URI": path, "QUERY_STRING": "", "HTTP_HOST": "127.0.0.1", "wsgi.url_scheme": "http"}
    return {**base, **(signed if signing else {}), "wsgi.input": io.BytesIO(body), "CONTENT_LENGTH": str(len(body)), **more}


@pytest.mark.parametrize(
    ("request_of", "service", "operation"),
    [
        (environ(body=b"Action=AssumeRoleWithWebIdentity&Version=2011-06-15", CONTENT_TYPE=FORM), "sts", "AssumeRoleWithWebIdentity"),
        (environ(QUERY_STRING="Action=GetCallerIdentity&Version=2011-06-15", signing="sts", method="GET"), "sts", "GetCallerIdentity"),
        (environ(), "unknown", ""),
        (environ(signing="no-such-service"), "no-such-service", ""),
        (environ(signing="ecs"), "ecs", ""),
        (environ(signing="states", HTTP_X_AMZ_TARGET="AWSStepFunctions.ListActivities"), "stepfunctions", "ListActivities"),
        (environ("/v2/email/outbound-emails", signing="ses"), "sesv2", "SendEmail"),
        (environ(signing="ses", body=b"Action=SendRawEmail", CONTENT_TYPE=FORM), "ses", "SendRawEmail"),
        (
            environ("/v20180820/configuration/publicAccessBlock", signing="s3", method="GET", HTTP_X_AMZ_ACCOUNT_ID="1"),
            "s3control",
            "GetPublicAccessBlock",
        ),
    ],
)
def test_service_and_operation(request_of: dict[str, Any], service: str, operation: str) -> None:
    asked = recognise(request_of)
    assert (asked.service, asked.operation) == (service, operation)


def test_a_form_can_be_read_again(aws: object) -> None:
    request = environ(signing="iam", body=b"Action=ListRoles", CONTENT_TYPE=FORM)
    assert recognise(request).operation == "ListRoles"
    assert request["wsgi.input"].read() == b"Action=ListRoles"


def test_the_account_header_of_moto_is_honoured() -> None:
    assert recognise(environ(signing="ecs", HTTP_X_MOTO_ACCOUNT_ID="444455556666")).account == "444455556666"
