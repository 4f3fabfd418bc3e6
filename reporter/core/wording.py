"""Numbers and words as people read them."""

from __future__ import annotations

from typing import Any

_ACRONYMS = {word.lower(): word for word in ("ACL", "ALB", "AWS", "CVE", "EC2", "ECS", "ELB", "IAM", "IPS", "NLB", "WAF", "WP")}


def number(value: Any) -> str:
    """1234 -> 1 234, with a narrow space that does not break."""
    return f"{int(value):,}".replace(",", "\N{NARROW NO-BREAK SPACE}")


def counted(count: int, one: str, many: str) -> str:
    """3, "row is", "rows are" -> "3 rows are"."""
    return f"{number(count)} {one if count == 1 else many}"


def words(name: str) -> str:
    """A name of ours for people: missing_acl -> missing ACL."""
    return " ".join(_ACRONYMS.get(word.lower(), word) for word in name.split("_"))
