"""Join: source tables -> what is known of each instance, finding, CVE, bucket and web entry, and of the population as a whole."""

from __future__ import annotations

from reporter.core.world import World
from reporter.joins import between_runs, bucket_access, findings, instances, population, reconciliation, virtual_patches, web_entries

JOINS = (
    instances.join,
    findings.join,
    virtual_patches.join,
    bucket_access.join,
    web_entries.join,
    population.join,
    reconciliation.join,
    between_runs.join,
)
"""in this order: each sees the tables of those before it"""


def join(world: World) -> World:
    """Source tables -> joined tables beside them."""
    for step in JOINS:
        world = world.with_tables(step(world))
    return world
