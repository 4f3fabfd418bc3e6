"""After a run is sealed: what it saw is kept for AWS Config, and Config is told to ask its rules, which the function then answers from it."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from reporter.clients.aws import AwsClients
from reporter.clients.config_rules import ConfigRules
from reporter.clients.store import Store
from reporter.core.errors import ReporterError
from reporter.core.evaluation import CHECKS, rule_name
from reporter.core.reading import why_unread
from reporter.core.scope import GLOBAL, Scope, ScopeState
from reporter.core.table import TableError
from reporter.core.world import World
from reporter.delivery.config_rules import KIND, THREADS, Standing, start
from reporter.evidence.folder import PREVIOUS_SEAL
from reporter.evidence.seal import sha256
from reporter.history.stored import read_ledger, read_run
from reporter.reports.evaluations import answers_of
from reporter.reports.parquet import read as read_tables
from reporter.schedule import Schedule
from reporter.scopes import Access
from reporter.state import config_rules
from reporter.state.deliveries import Delivery, DeliveryState
from reporter.tables.aws import EC2_INSTANCES
from reporter.tables.findings import CONFIG_COMPLIANCE, CONFIG_RULES
from reporter.tables.joined import RESULTS

SOURCE = "config_rules"
_TABLES = {table.name for table in (RESULTS, EC2_INSTANCES, CONFIG_COMPLIANCE, CONFIG_RULES)}


@dataclass(frozen=True)
class Asking:
    """How a chain's runs reach AWS Config. `access`: account -> how it is read; `now`: the present."""

    schedule: Schedule
    store: Store
    aws: AwsClients
    access: Mapping[str, Access]
    now: Callable[[], datetime]
    sleep: Callable[[float], None] = time.sleep

    def publish(self, run: Path) -> tuple[Delivery, ...]:
        """Keep what a sealed run saw, and tell Config. Never raises for what cannot be kept or told: it is said."""
        if self.schedule.deliver.config_rules is None:
            return ()
        was = read_run(run)
        try:
            world = World(read_tables(run, _TABLES), read_ledger(run), was.schedule.settings(), was.now)
            places = self._kept(run, was.run_id, world)
            config_rules.begin(self.store, was.run_id)
        except (ReporterError, OSError, ValueError, TableError) as error:
            message = f"what the run saw is not kept for AWS Config: {' '.join(str(error).split())[:300]}"
            return (Delivery(was.run_id, "rules", "AWS Config", DeliveryState.NOT_SENT, self.now(), message, KIND),)
        told = start([self._standing(world, *place) for place in places], self._config, was.run_id, self.now, sleep=self.sleep)
        return config_rules.received(self.store, was.run_id, told)

    def _kept(self, run: Path, run_id: str, world: World) -> list[tuple[str, str]]:
        """Accounts and regions whose answers are kept: all that the run was to look at."""
        before = run / PREVIOUS_SEAL
        answers = answers_of(world.table(RESULTS), world, run=run_id, seal=sha256(before) if before.is_file() else "")
        wanted = [one for one in answers if self._looked_at(world, one.account, one.region)]
        with ThreadPoolExecutor(THREADS) as threads:
            for _ in threads.map(lambda one: config_rules.keep(self.store, self.schedule.evidence.chain, one), wanted):
                pass
        return [(one.account, one.region) for one in wanted]

    def _looked_at(self, world: World, account: str, region: str) -> bool:
        looked = world.state("ec2", account, region) not in (None, ScopeState.SKIPPED)
        return looked and region != GLOBAL and account in self.access

    def _standing(self, world: World, account: str, region: str) -> Standing:
        """Our rules that stand there, as the run saw them."""
        if not world.read("config", account, region):
            return Standing(account, region, unread=why_unread(world, Scope(account, region, "config")))
        rules = world.table(CONFIG_RULES)
        here = rules[(rules["account"] == account) & (rules["region"] == region) & (rules["owner"] == "CUSTOM_LAMBDA")]
        ours = {rule_name(world.settings.config_rule_prefix, check) for check in CHECKS}
        return Standing(account, region, tuple(sorted(ours.intersection(here["name"]))))

    def _config(self, account: str, region: str) -> ConfigRules:
        access = self.access[account]
        return ConfigRules(self.aws.reader(account, region, SOURCE, access.role, access.external_id))
