"""Progress of a run on a terminal's stderr; silence anywhere else."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from reporter.core.ledger import LedgerRow
from reporter.core.scope import ScopeState
from reporter.core.text import legible
from reporter.run import Watch


@contextmanager
def progress() -> Iterator[Watch]:
    """A Watch that draws a bar of settled scopes and names each one that was not read."""
    if not sys.stderr.isatty():
        yield Watch()
        return
    console = Console(stderr=True)
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("starting", total=None)

        def settled(row: LedgerRow) -> None:
            bar.advance(task)
            if row.state in (ScopeState.DENIED, ScopeState.UNAVAILABLE):
                message = legible(" ".join(row.message.split()))
                console.print(f"{row.state.value}: {row.scope}: {message}", markup=False, emoji=False, highlight=False, soft_wrap=True)

        yield Watch(
            planned=lambda count: bar.update(task, total=count),
            settled=settled,
            stage=lambda name: bar.update(task, description=name),
        )
