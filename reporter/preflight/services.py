"""Is each service on in each region? One row for each service and account."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from reporter.clients.aws import AwsClients, AwsReader
from reporter.core.answers import field
from reporter.core.errors import Denied, NotEnabled, ScopeProblem, Unavailable
from reporter.preflight.finding import Finding, State, ok, state_of
from reporter.scopes import Access

_SCANNED = (("ec2", "EC2"), ("ecr", "ECR"), ("lambda", "Lambda"))


def look(aws: AwsClients, access: Access, regions: Sequence[str]) -> list[Finding]:
    """One account. Calls of the sources themselves, without their lists."""
    return [_service(aws, access, regions, name, question) for name, question in _QUESTIONS.items()]


def _service(aws: AwsClients, access: Access, regions: Sequence[str], name: str, question: Callable[[AwsReader], None]) -> Finding:
    what = f"{name} in {access.account}"
    problems: list[ScopeProblem] = []
    for region in regions:
        try:
            question(aws.reader(access.account, region, "check", access.role, access.external_id))
        except ScopeProblem as problem:
            problems.append(problem)
    if not problems:
        return ok(what, f"on in {', '.join(regions)}")
    states = {state_of(problem) for problem in problems}
    grants = sorted({problem.permission for problem in problems if problem.permission})
    off = any(isinstance(problem, NotEnabled) for problem in problems)
    fixes = [f"grant {', '.join(grants)}"] if grants else []
    fixes += ["switch it on there, or take the region out of aws.regions"] if off else []
    said = "; ".join(dict.fromkeys(problem.message for problem in problems))
    return Finding(what, State.FAIL if State.FAIL in states else State.UNKNOWN, said, "; ".join(fixes) or "run check again")


def _guardduty(reader: AwsReader) -> None:
    detectors = reader.items("guardduty", "list_detectors", "DetectorIds", MaxResults=50)
    status = [field(reader.call("guardduty", "get_detector", DetectorId=one), "Status", "guardduty GetDetector") for one in detectors]
    if "ENABLED" not in status:
        raise NotEnabled(f"{'suspended' if status else 'no detector'} in {reader.region}")


def _inspector(reader: AwsReader) -> None:
    where = "inspector2 BatchGetAccountStatus"
    answer = reader.call("inspector2", "batch_get_account_status", accountIds=[reader.account])
    account = next((one for one in answer.get("accounts", []) if one.get("accountId") == reader.account), None)
    if account is None:
        raise Unavailable(f"{where} in {reader.region} does not name the account")
    parts = account.get("resourceState", {})
    off = [name for key, name in _SCANNED if parts.get(key, {}).get("status") != "ENABLED"]
    if field(account.get("state", {}), "status", where) != "ENABLED" or off:
        raise NotEnabled(f"does not scan {', '.join(off) or 'yet'} in {reader.region}")


def _macie(reader: AwsReader) -> None:
    """Needed where the account has a bucket. Macie says that it is off with the code of a refusal; its words tell the two apart."""
    try:
        on = field(reader.call("macie2", "get_macie_session"), "status", "macie2 GetMacieSession") == "ENABLED"
    except Denied as refusal:
        if "macie is not enabled" not in refusal.message.lower():
            raise
        on = False
    if not on and reader.call("s3", "list_buckets", BucketRegion=reader.region, MaxBuckets=1).get("Buckets"):
        raise NotEnabled(f"off in {reader.region}, where the account has a bucket")


def _config(reader: AwsReader) -> None:
    recorders = reader.items("config", "describe_configuration_recorder_status", "ConfigurationRecordersStatus")
    if not any(recorder.get("recording") for recorder in recorders):
        raise NotEnabled(f"{'the recorder is stopped' if recorders else 'no recorder'} in {reader.region}")


_QUESTIONS: dict[str, Callable[[AwsReader], None]] = {
    "AWS Config": _config,
    "GuardDuty": _guardduty,
    "Inspector": _inspector,
    "Macie": _macie,
}
