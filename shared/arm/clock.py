"""Azure's time: the `Date` header of its last answer.

Everything that is compared with Azure's timestamps uses it. Claims, token expiry and queue visibility use real time.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from time import monotonic


class AzureClock:
    """Remembers the offset of Azure's time from this machine's; before the first answer the offset is nothing."""

    def __init__(self, monotonic_clock: Callable[[], float] = monotonic) -> None:
        self._monotonic = monotonic_clock
        self._last = datetime.now(UTC)
        self._at = monotonic_clock()

    def heard(self, date_header: str | None) -> None:
        """Take the `Date` header of an answer; one that is missing or malformed is ignored."""
        if not date_header:
            return
        try:
            moment = parsedate_to_datetime(date_header)
        except ValueError:
            return
        self._last = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        self._at = self._monotonic()

    def now(self) -> datetime:
        """The time of the last answer plus the real time since."""
        return self._last + timedelta(seconds=self._monotonic() - self._at)
