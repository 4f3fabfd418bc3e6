"""The call log: every AWS call the sandbox answered, for tests that prove what was and was not asked of the world."""

from __future__ import annotations

from typing import Any

from reporter.sandbox.aws.recognise import Asked


class Calls:
    """Appending to a list is atomic, so threads need no lock here."""

    def __init__(self) -> None:
        self._rows: list[tuple[Asked, int]] = []

    def record(self, asked: Asked, status: int) -> None:
        """`status` 0: the connection was closed without an answer."""
        self._rows.append((asked, status))

    def clear(self) -> None:
        self._rows.clear()

    def rows(self) -> list[dict[str, Any]]:
        return [
            {
                "service": asked.service,
                "operation": asked.operation,
                "account": asked.account,
                "region": asked.region,
                "write": asked.write,
                "status": status,
                "role": asked.role,
            }
            for asked, status in list(self._rows)
        ]
