from __future__ import annotations

from typing import Any

import pytest

from .conftest import HOME, OTHER, Door

MEMBER = {"Id": OTHER, "Name": "payments", "Email": "payments@example.com"}


@pytest.fixture
def organisation(aws: Door) -> Any:
    client = aws.client("organizations", "us-east-1")
    client.create_organization(FeatureSet="ALL")
    return client


def test_a_member_has_the_id_of_its_seed(aws: Door, organisation: Any) -> None:
    aws.seed("organizations", "accounts", [MEMBER], region="global")
    assert {account["Id"]: account["Name"] for account in organisation.list_accounts()["Accounts"]}[OTHER] == "payments"
    seen = aws.client("organizations", "us-east-1", aws.assumed(OTHER)).describe_organization()["Organization"]
    assert seen["MasterAccountId"] == HOME


def test_later_members_draw_their_own_ids(aws: Door, organisation: Any) -> None:
    aws.seed("organizations", "accounts", [MEMBER])
    organisation.create_account(AccountName="other", Email="other@example.com")
    assert len({account["Id"] for account in organisation.list_accounts()["Accounts"]}) == 3


def test_a_member_of_no_organisation_is_refused(aws: Door) -> None:
    assert aws.refused_seed("organizations", "accounts", [MEMBER]) == "account"


def test_a_reset_forgets_who_was_a_member(aws: Door, organisation: Any) -> None:
    aws.seed("organizations", "accounts", [MEMBER])
    aws.control("POST", "/moto-api/reset")
    founded = aws.client("organizations", "us-east-1", aws.assumed(OTHER)).create_organization(FeatureSet="ALL")["Organization"]
    assert founded["MasterAccountId"] == OTHER
