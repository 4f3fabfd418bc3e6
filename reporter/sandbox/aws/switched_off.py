"""What a service answers where it is switched off."""

from __future__ import annotations

from collections.abc import Callable

from reporter.sandbox.aws.error_answers import Answer, error, json_answer
from reporter.sandbox.aws.inspector2 import TYPES
from reporter.sandbox.aws.recognise import Asked

Real = Callable[[], Answer]
"""Asks moto."""

EMPTY: dict[tuple[str, str], dict[str, list[str]]] = {
    ("guardduty", "ListDetectors"): {"detectorIds": []},
    ("config", "DescribeConfigurationRecorders"): {"ConfigurationRecorders": []},
    ("config", "DescribeConfigurationRecorderStatus"): {"ConfigurationRecordersStatus": []},
    ("config", "DescribeDeliveryChannels"): {"DeliveryChannels": []},
    ("config", "DescribeDeliveryChannelStatus"): {"DeliveryChannelsStatus": []},
}
ERRORS = {
    "guardduty": ("BadRequestException", "The request is rejected because the input detectorId is not owned by the current account.", 400),
    "inspector2": ("AccessDeniedException", "Invoking account does not have access: Inspector is not enabled.", 403),
    "macie2": ("AccessDeniedException", "Macie is not enabled.", 403),
    "securityhub": ("InvalidAccessException", "Account is not subscribed to AWS Security Hub.", 401),
    "organizations": ("AWSOrganizationsNotInUseException", "Your account is not a member of an organization.", 400),
}
ELSEWHERE = ("OptInRequired", "You are not subscribed to this service.", 403)


def not_enabled(asked: Asked, real: Real) -> Answer:
    """Empty lists where AWS says so, a status, or the service's own error. Config's other operations work without a recorder."""
    empty = EMPTY.get((asked.service, asked.operation))
    if empty is not None:
        return json_answer(empty)
    if (asked.service, asked.operation) == ("inspector2", "BatchGetAccountStatus"):
        off = {"status": "DISABLED", "errorCode": "ALREADY_ENABLED", "errorMessage": ""}
        account = {"accountId": asked.account, "state": off, "resourceState": dict.fromkeys(TYPES, off)}
        return json_answer({"accounts": [account], "failedAccounts": []})
    if asked.service == "config":
        return real()
    return error(asked, *ERRORS.get(asked.service, ELSEWHERE))
