"""The quota of queries: 15 in a window of 5 seconds for each user (resource_graph_query.json)."""

from __future__ import annotations

import datetime as dt
import math

QUERIES = 15
WINDOW = 5.0
"""Virtual seconds, from a user's first query on."""


class Quota:
    """How many queries each user has left."""

    def __init__(self) -> None:
        self._windows: dict[str, tuple[dt.datetime, int]] = {}

    def take(self, user: str, now: dt.datetime) -> tuple[bool, float, dict[str, str]]:
        """Count a query.

        Returns:
            Whether it may be answered, the virtual seconds until the window ends, and the headers, which say what is
            left of the quota and of the window.
        """
        start, used = self._windows.get(user, (now, 0))
        if (now - start).total_seconds() >= WINDOW:
            start, used = now, 0
        left = WINDOW - (now - start).total_seconds()
        allowed = used < QUERIES
        self._windows[user] = (start, min(QUERIES, used + 1))
        remaining = str(max(0, QUERIES - used - 1))
        return (
            allowed,
            left,
            {
                "x-ms-ratelimit-remaining-tenant-resource-requests": remaining,
                "x-ms-user-quota-remaining": remaining,
                "x-ms-user-quota-resets-after": f"00:00:{math.ceil(left):02d}",
            },
        )
