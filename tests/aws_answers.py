"""Answers to the questions that are asked before any source is read."""

from __future__ import annotations

from tests.clients.aws_server import Answer, AwsServer, page

XML = "text/xml"


def identity(account: str, name: str = "reporter-read") -> Answer:
    inner = f"<Arn>arn:aws:sts::{account}:assumed-role/{name}/reporter</Arn><UserId>AIDA</UserId><Account>{account}</Account>"
    return Answer(
        f"<GetCallerIdentityResponse><GetCallerIdentityResult>{inner}</GetCallerIdentityResult></GetCallerIdentityResponse>".encode(), 200, XML
    )


def regions(*names: str) -> Answer:
    items = "".join(f"<item><regionName>{name}</regionName></item>" for name in names)
    return Answer(f"<DescribeRegionsResponse><regionInfo>{items}</regionInfo></DescribeRegionsResponse>".encode(), 200, XML)


def refused(code: str = "AccessDenied") -> Answer:
    return Answer(f"<ErrorResponse><Error><Code>{code}</Code><Message>refused</Message></Error></ErrorResponse>".encode(), 403, XML)


def refused_by_ec2() -> Answer:
    return Answer(b"<Response><Errors><Error><Code>UnauthorizedOperation</Code><Message>refused</Message></Error></Errors></Response>", 403, XML)


def simulated(*denied: str, decision: str = "implicitDeny") -> Answer:
    members = "".join(f"<member><EvalActionName>{one}</EvalActionName><EvalDecision>{decision}</EvalDecision></member>" for one in denied)
    result = f"<EvaluationResults>{members}</EvaluationResults><IsTruncated>false</IsTruncated>"
    inner = f"<SimulatePrincipalPolicyResult>{result}</SimulatePrincipalPolicyResult>"
    return Answer(f"<SimulatePrincipalPolicyResponse>{inner}</SimulatePrincipalPolicyResponse>".encode(), 200, "text/xml")


def inspector(account_id: str, state: dict[str, str]) -> Answer:
    account = {"accountId": account_id, "state": state, "resourceState": dict.fromkeys(("ec2", "ecr", "lambda"), state)}
    return page(accounts=[account], failedAccounts=[])


def all_on(server: AwsServer, account: str) -> None:
    """Every service is on, and the role may do everything."""
    server.on("SimulatePrincipalPolicy", simulated())
    server.on("GET /detector", page(detectorIds=["d"]))
    server.on("GET /detector/d", page(status="ENABLED", serviceRole="r"))
    server.on("POST /status/batch/get", inspector(account, {"status": "ENABLED"}))
    server.on("GET /macie", page(status="ENABLED"))
    server.on("DescribeConfigurationRecorderStatus", page(ConfigurationRecordersStatus=[{"name": "default", "recording": True}]))
