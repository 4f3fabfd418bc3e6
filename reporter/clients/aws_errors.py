"""Errors of AWS and of the way there, as problems of a scope: denied or unavailable, with the IAM action to grant."""

from __future__ import annotations

import re

from botocore import exceptions
from botocore.exceptions import BotoCoreError, ClientError

from reporter.core.errors import Denied, ScopeProblem, Unavailable

_REFUSED = frozenset(
    {
        "401",
        "403",
        "AuthFailure",
        "AuthorizationError",
        "AuthorizationErrorException",
        "Forbidden",
        "InvalidAccessKeyId",
        "InvalidClientTokenId",
        "InvalidSignatureException",
        "MissingAuthenticationToken",
        "MissingAuthenticationTokenException",
        "NotAuthorized",
        "NotAuthorizedException",
        "OptInRequired",
        "PendingVerification",
        "SignatureDoesNotMatch",
        "SubscriptionRequiredException",
        "TokenRefreshRequired",
        "UnauthorizedException",
        "UnauthorizedOperation",
        "UnrecognizedClientException",
    }
)
_REFUSED_STEMS = ("AccessDenied", "ExpiredToken", "RequestExpired")
_EXPIRED_STEMS = ("ExpiredToken", "RequestExpired", "TokenRefreshRequired")
_KEY_CODES = frozenset({"InvalidAccessKeyId", "InvalidClientTokenId", "UnrecognizedClientException", "SignatureDoesNotMatch", "AuthFailure"})

_NO_CREDENTIALS = (
    exceptions.NoCredentialsError,
    exceptions.PartialCredentialsError,
    exceptions.CredentialRetrievalError,
    exceptions.ProfileNotFound,
    exceptions.NoAuthTokenError,
    exceptions.TokenRetrievalError,
    exceptions.SSOError,
    exceptions.MetadataRetrievalError,
    exceptions.LoginError,
)

_PREFIXES = {
    "elb": "elasticloadbalancing",
    "elbv2": "elasticloadbalancing",
    "s3control": "s3",
    "sesv2": "ses",
    "stepfunctions": "states",
}
_ACTIONS = {
    "s3:ListBuckets": "s3:ListAllMyBuckets",
    "s3:ListObjectsV2": "s3:ListBucket",
    "s3:HeadBucket": "s3:ListBucket",
    "s3:HeadObject": "s3:GetObject",
    "s3:GetPublicAccessBlock": "s3:GetBucketPublicAccessBlock",
    "s3:GetBucketEncryption": "s3:GetEncryptionConfiguration",
    "s3:GetObjectLockConfiguration": "s3:GetBucketObjectLockConfiguration",
    "s3:GetBucketLifecycleConfiguration": "s3:GetLifecycleConfiguration",
    "s3control:GetPublicAccessBlock": "s3:GetAccountPublicAccessBlock",
}
_NAMED_ACTION = re.compile(r"not authorized to perform: ([a-z0-9-]{2,40}:[A-Za-z0-9]{2,80})\b")


def iam_action(service: str, operation: str) -> str:
    """The IAM action that a boto3 service's operation (`ListFindings`) needs; mostly, but not always, its own name.

    https://docs.aws.amazon.com/service-authorization/latest/reference/
    """
    own = f"{service}:{operation}"
    return _ACTIONS.get(own, f"{_PREFIXES.get(service, service)}:{operation}")


def error_code(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))


def error_message(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Message", ""))


def from_answer(error: ClientError, *, where: str, service: str, operation: str) -> ScopeProblem:
    """An error that AWS answered -> Denied or Unavailable. `where`: call, account and region, for the message."""
    code, message = error_code(error), _plain(error_message(error))
    if _is_page(message):
        return Unavailable(f"{where}: not an answer of AWS but a web page ({code})")
    if not (code in _REFUSED or code.startswith(_REFUSED_STEMS)):
        return Unavailable(f"{where}: {code}: {message}")
    if code.startswith(_EXPIRED_STEMS):
        return Denied(f"{where}: the credentials are expired ({code}); renew them", permission="")
    if code in _KEY_CODES:
        return Denied(f"{where}: AWS does not accept the credentials ({code}), or the region is not enabled in this account", permission="")
    named = _NAMED_ACTION.search(message)
    action = named[1] if named else iam_action(service, operation)
    return Denied(f"{where}: {code}: {message}", permission=action)


def from_the_way(error: BotoCoreError, *, where: str) -> ScopeProblem:
    """An error on the way to AWS (no credentials, no connection, no answer) -> Denied or Unavailable."""
    message = _plain(str(error))
    if isinstance(error, _NO_CREDENTIALS):
        return Denied(f"{where}: no usable AWS credentials: {message}", permission="")
    return Unavailable(f"{where}: {type(error).__name__}: {message}")


def _plain(text: str) -> str:
    return " ".join(text.split())[:300]


def _is_page(message: str) -> bool:
    return message.lstrip().lower().startswith(("<!doctype", "<html"))
