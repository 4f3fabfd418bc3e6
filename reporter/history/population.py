"""The instances that the run before saw, so that those that came or went since can be named."""

from __future__ import annotations

from reporter.core.errors import ReporterError
from reporter.core.scope import ScopeState
from reporter.core.table import Tables
from reporter.history.previous import Kept
from reporter.history.stored import read_ledger, read_run, read_table
from reporter.tables.aws import EC2_INSTANCES
from reporter.tables.evidence import PREVIOUS_POPULATION


def previous_population(run: Kept | None) -> Tables:
    """Its instances, and one row * for each account and region that it read. No rows where there is no such run, or it cannot be read."""
    if run is None:
        return {PREVIOUS_POPULATION.name: PREVIOUS_POPULATION.frame()}
    try:
        at, ledger = read_run(run.folder).now, read_ledger(run.folder)
    except ReporterError:  # the comparison of results says so
        return {PREVIOUS_POPULATION.name: PREVIOUS_POPULATION.frame()}
    read = [(row.scope.account, row.scope.region, "*", at) for row in ledger if row.scope.source == "ec2" and row.state is ScopeState.OK]
    machines = read_table(run.folder, EC2_INSTANCES)
    named = [(*place, at) for place in machines[["account", "region", "instance_id"]].itertuples(index=False, name=None)]
    return {PREVIOUS_POPULATION.name: PREVIOUS_POPULATION.frame([*read, *named])}
