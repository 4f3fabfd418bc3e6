from __future__ import annotations

import pytest

from reporter.core.ledger import Ledger, LedgerMismatch, LedgerRow
from reporter.core.scope import Scope, ScopeState

EC2 = Scope("111122223333", "eu-central-1", "ec2")
IAM = Scope("111122223333", "global", "iam")


def test_a_ledger_with_a_row_for_each_planned_scope_closes() -> None:
    ledger = Ledger([EC2, IAM])
    ledger.record(LedgerRow(IAM, ScopeState.OK))
    ledger.record(LedgerRow(EC2, ScopeState.DENIED, permission="ec2:DescribeInstances"))
    ledger.close()
    assert [row.scope for row in ledger] == [EC2, IAM]
    assert [row.scope for row in ledger.unread()] == [EC2]
    assert ledger.scopes_of("iam") == (IAM,)
    assert len(ledger) == 2


def test_a_planned_scope_without_a_row_is_a_mismatch() -> None:
    with pytest.raises(LedgerMismatch, match="no row for 1 planned"):
        Ledger([EC2]).close()


def test_an_unplanned_row_is_a_mismatch() -> None:
    with pytest.raises(LedgerMismatch, match="unplanned"):
        Ledger([EC2]).record(LedgerRow(IAM, ScopeState.OK))


def test_a_second_row_is_a_mismatch() -> None:
    ledger = Ledger([EC2])
    ledger.record(LedgerRow(EC2, ScopeState.OK))
    with pytest.raises(LedgerMismatch, match="second row"):
        ledger.record(LedgerRow(EC2, ScopeState.DENIED))


@pytest.mark.parametrize("state", [ScopeState.NOT_ENABLED, ScopeState.SKIPPED, ScopeState.OK])
def test_what_is_off_or_skipped_does_not_make_a_run_incomplete(state: ScopeState) -> None:
    ledger = Ledger([EC2])
    ledger.record(LedgerRow(EC2, state))
    assert ledger.unread() == ()
