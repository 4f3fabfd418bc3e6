"""Organizations: member accounts with ids of one's own choice."""

from __future__ import annotations

from functools import partial
from typing import Any

import moto.backends
from moto.organizations import utils
from moto.organizations.models import organizations_backends

from reporter.sandbox.aws.conformance import NotConforming, expect
from reporter.sandbox.aws.extend import Extension


def seed_accounts(account: str, region: str, items: list[Any]) -> None:
    """Items {"Id", "Name", "Email"} join the organisation of the management account `account`. Raises NotConforming where it has none."""
    del region
    get_backend: Any = moto.backends.get_backend
    backend = get_backend("organizations")[account]["aws"]
    if backend.org is None:
        raise NotConforming("account", f"{account} has no organisation")
    draw = utils.make_random_account_id
    for number, item in enumerate(items):
        wanted, name, email = (expect(item.get(key), str, f"items[{number}].{key}") for key in ("Id", "Name", "Email"))
        utils.make_random_account_id = partial(str, wanted)
        try:
            backend.create_account(AccountName=name, Email=email)
        finally:
            utils.make_random_account_id = draw


def forget_members() -> None:
    """moto's reset keeps who is a member of which organisation."""
    backends: Any = organizations_backends
    backends.master_accounts.clear()


EXTENSION = Extension(service="organizations", kinds={"accounts": seed_accounts}, forget=forget_members)
