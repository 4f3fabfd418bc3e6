from __future__ import annotations

from typing import Any

import pytest

from reporter.clients.wp_objects import cloud_identity, cves


@pytest.mark.parametrize(
    ("computer", "identity"),
    [
        ({}, (None, None, None)),
        ({"ec2VirtualMachineSummary": None, "noConnectorVirtualMachineSummary": {}}, (None, None, None)),
        ({"ec2VirtualMachineSummary": {"accountID": "111122223333", "instanceID": " I-0ABC "}}, ("111122223333", "i-0abc", "ec2")),
        ({"ec2VirtualMachineSummary": {"instanceID": "i-1"}}, (None, "i-1", "ec2")),
        (
            {"ec2VirtualMachineSummary": {"accountID": "1"}, "noConnectorVirtualMachineSummary": {"accountID": 111122223333, "instanceID": "i-2"}},
            ("111122223333", "i-2", "no_connector"),
        ),
        (
            {
                "ec2VirtualMachineSummary": {"accountID": "111122223333", "instanceID": "i-1"},
                "noConnectorVirtualMachineSummary": {"accountID": "444455556666", "instanceID": "i-2"},
            },
            ("111122223333", "i-1", "ec2"),
        ),
    ],
)
def test_the_connector_names_the_instance_before_the_agent_does(computer: dict[str, Any], identity: tuple[str | None, ...]) -> None:
    assert cloud_identity(computer) == identity


def test_cves_are_normalised_and_what_is_none_is_kept_apart() -> None:
    good, odd = cves(["cve-2021-44228", " CVE-2021-44228\u00a0", "CVE-2014-0160", "CAN-2003-0001", "CVE-0160", "CVE-2021-123", None, 7])
    assert good == ("CVE-2014-0160", "CVE-2021-44228")
    assert odd == ("7", "CAN-2003-0001", "CVE-0160", "CVE-2021-123", "None")


@pytest.mark.parametrize("values", [None, "CVE-2021-44228", {"a": 1}, []])
def test_a_field_that_is_no_list_holds_no_cve(values: Any) -> None:
    assert cves(values) == ((), ())
