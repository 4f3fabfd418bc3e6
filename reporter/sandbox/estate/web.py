"""Draws web entries: load balancers of every kind, distributions, web ACLs, and what each is meant to be found as."""

from __future__ import annotations

from dataclasses import replace

from reporter.sandbox.estate.policies import web_sets
from reporter.sandbox.estate.spec import Distribution, Group, Instance, LoadBalancer, Place, Task, WebAcl

_AWS = {"web_server": ("AWS", "AWSManagedRulesCommonRuleSet"), "web_application": ("AWS", "AWSManagedRulesPHPRuleSet")}
_TREND = {"web_server": ("Trend Micro", "WebserverRuleGroup"), "web_application": ("Trend Micro", "ContentManagementSystemRuleGroup")}
_OTHER = Group("AWS", "AWSManagedRulesAmazonIpReputationList")

_STATES = {
    None: "missing_acl",
    "block": "covered",
    "count": "count_only",
    "other": "missing_rules",
    "partial": "missing_rules",
    "default_block": "missing_rules",
    "firewall_manager": "covered",
    "cloudformation": "missing_rules",
    "terraform": "missing_rules",
}
"""What a web ACL of each kind makes of an entry that instances stand behind."""

_MOST_OPEN_FIRST = ("missing_acl", "missing_rules", "count_only", "covered")

_BALANCERS: tuple[tuple[str, str, bool, str, str | None], ...] = (
    ("shop", "alb", False, "one", "block"),
    ("portal", "alb", False, "instance", "count"),
    ("intake", "alb", False, "instance", "other"),
    ("behind-cdn", "alb", False, "instance", None),
    ("intranet", "alb", True, "instance", None),
    ("functions", "alb", False, "lambda", "other"),
    ("addresses", "alb", False, "ip_instance", "block"),
    ("containers", "alb", False, "ip_task", "block"),
    ("inner", "alb", True, "instance", "block"),
    ("front", "nlb", False, "alb", None),
    ("stream", "nlb", False, "instance", None),
    ("old-cdn", "classic", False, "instance", None),
    ("old-bare", "classic", False, "instance", None),
    ("old-inner", "classic", True, "instance", None),
    ("closed", "alb", False, "instance", "default_block"),
    ("central", "alb", False, "instance", "firewall_manager"),
    ("stacked", "alb", False, "instance", "cloudformation"),
    ("coded", "alb", False, "instance", "terraform"),
    ("elastic", "alb", False, "auto_scaling", "block"),
    ("half", "alb", False, "instance", "partial"),
    ("old-naked", "classic", False, "instance", None),
    ("empty", "alb", False, "none", None),
    ("old-twice", "classic", False, "instance", None),
    ("old-mixed", "classic", False, "instance", None),
)
"""name, kind, internal, target, web ACL."""

_DISTRIBUTIONS: tuple[tuple[str, str, str, str | None, bool], ...] = (
    ("cdn-alb", "lb", "behind-cdn", "block", True),
    ("cdn-classic", "lb", "old-cdn", "block", True),
    ("cdn-naked", "lb", "old-naked", None, True),
    ("cdn-media", "s3", "media", None, True),
    ("cdn-partner", "custom", "partner.example.com", "other", True),
    ("cdn-count", "lb", "shop", "count", True),
    ("cdn-other", "lb", "intake", "other", True),
    ("cdn-off", "lb", "portal", None, False),
    ("cdn-twice", "lb", "old-twice", "block", True),
    ("cdn-twice-naked", "lb", "old-twice", None, True),
    ("cdn-mixed", "lb", "old-mixed", "block", True),
    ("cdn-mixed-count", "lb", "old-mixed", "count", True),
    ("cdn-mixed-off", "lb", "old-mixed", None, False),
)
"""name, origin, origin key, web ACL, enabled."""


def wanted_groups(policies: set[str], account: str, trend_account: str | None) -> tuple[tuple[str, str], ...]:
    """Managed rule groups (vendor, name) that the policies of the hosts behind an entry ask for, by what is on offer in the account."""
    offered = _TREND if account == trend_account else _AWS
    return tuple(offered[word] for word in ("web_server", "web_application") if any(word in web_sets(p) for p in policies))


class WebDraft:
    """Collects the web edge of an estate."""

    def __init__(self, places: tuple[Place, ...], instances: tuple[Instance, ...], tasks: tuple[Task, ...], trend_account: str | None) -> None:
        self.places = places
        self.tasks = tasks
        self.hosts = {i.key: i for i in instances}
        self.trend_account = trend_account
        self.acls: dict[str, WebAcl] = {}
        self.balancers: dict[str, LoadBalancer] = {}

    def draw(self) -> tuple[tuple[WebAcl, ...], tuple[LoadBalancer, ...], tuple[Distribution, ...]]:
        for number, (name, kind, internal, target, acl) in enumerate(_BALANCERS):
            place = self.places[(number - (kind == "nlb" and target == "alb")) % len(self.places)]
            self.balancers[name] = self._balancer(name, place, kind, internal, target, acl)
        distributions = tuple(self._distribution(*draft) for draft in _DISTRIBUTIONS)
        return tuple(self.acls.values()), self._with_distributions(distributions), distributions

    def _balancer(self, name: str, place: Place, kind: str, internal: bool, target: str, acl: str | None) -> LoadBalancer:
        web = [i.key for i in self.hosts.values() if i.place == place and i.profile in ("web", "webapp") and i.state == "running"][:2]
        awsvpc = [t.key for t in self.tasks if t.mode == "awsvpc" and t.host is not None and self.hosts[t.host].place == place]
        behind = {
            "one": web[:1],
            "ip_task": awsvpc + web,
            "alb": ["inner"],
            "lambda": [],
            "none": [],
        }.get(target, web)
        hosts = [key for key in behind if key in self.hosts]
        state: str | None = _STATES[acl]
        if internal or target in ("lambda", "none"):
            state = "not_applicable"
        elif kind == "nlb":
            state = None
        acl_key = acl and self._acl(name, place, acl, {self.hosts[h].policy or "" for h in hosts}, cloudfront=False)
        return LoadBalancer(name, place, kind, internal, "instance" if target == "one" else target, tuple(behind), acl_key, state)

    def _distribution(self, name: str, origin: str, origin_key: str, acl: str | None, enabled: bool) -> Distribution:
        balancer = self.balancers.get(origin_key)
        place = balancer.place if balancer else self.places[0]
        policies = {self.hosts[h].policy or "" for h in balancer.behind if h in self.hosts} if balancer else set()
        acl_key = acl and self._acl(name, place, acl, policies, cloudfront=True)
        state = None if not enabled else (_STATES[acl] if balancer else "not_applicable")
        return Distribution(name, place.account, origin, origin_key, acl_key, enabled, state)

    def _with_distributions(self, distributions: tuple[Distribution, ...]) -> tuple[LoadBalancer, ...]:
        """A classic load balancer is as open as the most open of the distributions that are on before it."""
        before: dict[str, set[str]] = {}
        for distribution in distributions:
            if distribution.origin == "lb" and distribution.enabled and distribution.state:
                before.setdefault(distribution.origin_key, set()).add(distribution.state)
        return tuple(
            replace(b, state=next(state for state in _MOST_OPEN_FIRST if state in before[b.key]))
            if b.kind == "classic" and b.key in before and not b.internal
            else b
            for b in self.balancers.values()
        )

    def _acl(self, name: str, place: Place, word: str, policies: set[str], *, cloudfront: bool) -> str:
        wanted = wanted_groups(policies, place.account, self.trend_account)
        groups = {
            "block": (*(Group(*g) for g in wanted), _OTHER),
            "firewall_manager": tuple(Group(*g) for g in wanted),
            "count": tuple(Group(*g, "count") for g in wanted),
            "partial": tuple(Group(*g) for g in wanted[:1]),
            "default_block": (),
        }.get(word, (_OTHER,))
        owned = word.replace("_", "-") if word in ("firewall_manager", "cloudformation", "terraform") else ""
        key = f"acl-{name}"
        self.acls[key] = WebAcl(key, place, cloudfront, groups, "block" if word == "default_block" else "allow", owned)
        return key
