"""Three values: what holds, what is open, what does not hold; ordered, so that 'and' is min and 'or' is max."""

from __future__ import annotations

from enum import IntEnum, StrEnum


class Truth(IntEnum):
    """Kleene's three values. OPEN: it depends on something that is not known when the policies are judged."""

    NO = 0
    OPEN = 1
    YES = 2

    def negated(self) -> Truth:
        return Truth(2 - self)

    @classmethod
    def of(cls, known: bool | None) -> Truth:
        """None is OPEN."""
        if known is None:
            return cls.OPEN
        return cls.YES if known else cls.NO


class Reach(StrEnum):
    """Whether a role can reach a bucket's objects. The values are the words of the table's column `decision`; `denied` is never a row."""

    YES = "allowed"
    CONDITIONAL = "conditional"
    NO = "denied"

    @classmethod
    def of(cls, truth: Truth) -> Reach:
        return {Truth.YES: cls.YES, Truth.OPEN: cls.CONDITIONAL, Truth.NO: cls.NO}[truth]
