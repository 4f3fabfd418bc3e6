"""A key of AWS KMS that signs: looked at before it is used, then asked for one signature at a time. The private key never leaves the service.

https://docs.aws.amazon.com/kms/latest/APIReference/API_Sign.html (RAW: at most 4096 bytes)
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from reporter.clients.aws import HOME_REGION
from reporter.clients.aws_errors import error_code, from_answer, from_the_way
from reporter.clients.aws_parsing import BrokenPage
from reporter.clients.aws_sessions import new_session
from reporter.core.errors import ReporterError, ScheduleError

SPEC, ALGORITHM = "ECC_NIST_P256", "ECDSA_SHA_256"
_KEY = "evidence.key"
_ARN = re.compile(r"arn:aws[a-z-]*:kms:([a-z0-9-]+):\d{12}:(key|alias)/.+")
_MEANWHILE = "no pack is sealed: a run that cannot be signed is not finished"
_FIXES = {
    "DisabledException": "enable the key",
    "KMSInvalidStateException": "a key that is enabled and not about to be deleted",
    "KeyUnavailableException": "the key's store, then run again",
}


@dataclass(frozen=True)
class KmsKey:
    """One key, by its ARN. `public`: its public key, DER."""

    arn: str
    public: bytes
    client: Any = field(repr=False, compare=False)

    @classmethod
    def find(cls, name: str) -> KmsKey:
        """An alias, a key id or an ARN -> the key. Raises ScheduleError for what is no P-256 key to sign with, else ReporterError."""
        with _explained("DescribeKey", name):
            client = _client(name)
            said = client.describe_key(KeyId=name)["KeyMetadata"]
            arn, state = str(said["Arn"]), str(said["KeyState"])
        if said["KeyUsage"] != "SIGN_VERIFY" or said.get("KeySpec") != SPEC:
            raise ScheduleError(
                f"the key cannot seal a pack: it is {said.get('KeySpec')} for {said['KeyUsage']}",
                where=f"{_KEY}: {arn}",
                fix=f"a key of spec {SPEC} and usage SIGN_VERIFY",
                meanwhile=_MEANWHILE,
            )
        if state != "Enabled":
            raise ReporterError(f"the key is {state}", where=f"{_KEY}: {arn}", fix=_FIXES["DisabledException"], meanwhile=_MEANWHILE)
        with _explained("GetPublicKey", arn):
            return cls(arn, bytes(client.get_public_key(KeyId=arn)["PublicKey"]), client)

    def sign(self, message: bytes) -> bytes:
        """DER signature over SHA-256 of the message. Raises ReporterError."""
        with _explained("Sign", self.arn):
            return bytes(self.client.sign(KeyId=self.arn, Message=message, MessageType="RAW", SigningAlgorithm=ALGORITHM)["Signature"])

    def try_to_sign(self) -> None:
        """Ask for a signature without one being made. Raises ReporterError."""
        with _explained("Sign", self.arn):
            try:
                self.client.sign(KeyId=self.arn, Message=b"-", MessageType="RAW", SigningAlgorithm=ALGORITHM, DryRun=True)
            except ClientError as error:
                if error_code(error) != "DryRunOperationException":  # it would have been made
                    raise


@contextmanager
def _explained(operation: str, name: str) -> Iterator[None]:
    where = f"kms:{operation} of {name}"
    try:
        yield
    except ClientError as error:
        if error_code(error) in ("NotFoundException", "InvalidArnException"):
            fix = "an alias or a key of this account and region, or the whole ARN"
            raise ScheduleError(f"there is no such key: {where}", where=_KEY, fix=fix, meanwhile=_MEANWHILE) from error
        problem = from_answer(error, where=where, service="kms", operation=operation)
        fix = _FIXES.get(error_code(error), "the key, and the way to it")
        if problem.permission:
            fix = f"grant {problem.permission} on the key to the job"
        raise ReporterError(f"the key cannot be used: {problem.message}", where=_KEY, fix=fix, meanwhile=_MEANWHILE) from error
    except BotoCoreError as error:
        said = from_the_way(error, where=where).message
        raise ReporterError(f"the key cannot be used: {said}", where=_KEY, fix="the credentials, and the way to KMS", meanwhile=_MEANWHILE) from error
    except (BrokenPage, KeyError) as error:
        raise ReporterError(f"the key cannot be used: {where}: broken answer: {error}"[:300], where=_KEY, meanwhile=_MEANWHILE) from error


def _client(name: str) -> Any:
    """KMS in the region that an ARN names, else in the job's own."""
    session, arn = new_session(), _ARN.fullmatch(name)
    region = arn[1] if arn else session.region_name or HOME_REGION
    return session.client("kms", region_name=region, config=Config(retries={"mode": "standard"}, user_agent_extra="workload-compliance-reporter"))
