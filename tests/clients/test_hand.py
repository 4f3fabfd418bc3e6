from __future__ import annotations

import pytest

from reporter.core.errors import Denied
from tests.actions.hands import held
from tests.clients.aws_readers import ACCOUNT, REGION
from tests.clients.aws_server import Answer, AwsServer, error, server

__all__ = ["server"]


def test_the_journal_keeps_the_request_id_of_a_write(server: AwsServer) -> None:
    server.on("DeleteWebACL", Answer(b"{}", headers=(("x-amzn-RequestId", "r-7"),)))
    holding = held()
    asked = {"Name": "a", "Scope": "REGIONAL", "Id": "b" * 36, "LockToken": "c" * 36}
    assert holding.hand.aws_write(ACCOUNT, REGION, "wafv2", "delete_web_acl", **asked) == {}
    assert holding.journal[-1] == ("answer", {"call": "wafv2 delete_web_acl", "answer": {}, "request_id": "r-7"})


def test_a_refused_write_says_so_in_the_journal(server: AwsServer) -> None:
    server.on("DeleteWebACL", error("AccessDeniedException", "no", 400))
    holding = held()
    with pytest.raises(Denied):
        holding.hand.aws_write(ACCOUNT, REGION, "wafv2", "delete_web_acl", Name="a", Scope="REGIONAL", Id="b" * 36, LockToken="c" * 36)
    assert "refused" in holding.journal[-1][1]
