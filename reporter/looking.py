"""Look at one account and region, or at named instances there, by some checks: the same sources, joins and checks as a run's, and no more of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from reporter.core.check import Check
from reporter.core.evaluation import Answers
from reporter.core.settings import Settings
from reporter.core.world import World
from reporter.gather import discover, gather
from reporter.joins import instances
from reporter.judge import judge
from reporter.opening import Clients, Opener
from reporter.reports.evaluations import answers_of
from reporter.schedule import Schedule
from reporter.scopes import Access, plan_place


@dataclass(frozen=True)
class Look:
    """What is looked at, and how. `seal`: hash of the chain's newest seal, or empty; `caller`: account of the current credentials."""

    schedule: Schedule
    settings: Settings
    clients: Clients
    caller: str
    access: Access
    region: str
    seal: str

    def at(self, checks: Sequence[Check], now: datetime, only: tuple[str, ...] = ()) -> Answers:
        """What these checks say of every instance, or of those in `only`. What cannot be read is UNKNOWN in it; it never raises for that."""
        needed = {"ec2"} | {source for check in checks for source in (*check.population, *(need.source for need in check.needs))}
        sources = [source for source in discover() if source.name in needed]
        plan = plan_place(self.schedule, sources, self.caller, self.access, self.region)
        gathered = gather(plan, Opener(self.clients, plan, self.settings.config_rule_prefix, now, only), lambda _: None)
        world = World(gathered.tables, gathered.ledger, self.settings, now)
        world = world.with_tables(instances.join(world))
        results = judge(world, checks, self.schedule.exceptions)
        (answers,) = answers_of(results, world, run="", seal=self.seal)
        return answers
