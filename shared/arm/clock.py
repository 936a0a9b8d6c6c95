"""Azure's time: the `Date` header of its last answer.

Everything that is compared with Azure's timestamps uses it. Claims, token expiry and queue visibility use real time.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from time import monotonic

_RELIABLE = 60.0  # real seconds


class AzureClock:
    """Remembers the offset of Azure's time from this machine's; before the first answer there is none."""

    def __init__(self, speed: float = 1.0, monotonic_clock: Callable[[], float] = monotonic) -> None:
        """Start with this machine's time.

        Args:
            speed: Azure's seconds per real second between two answers: 1, but for a simulated Azure.
            monotonic_clock: seconds of real time.
        """
        self._speed = speed
        self._monotonic = monotonic_clock
        self._heard = False
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
        self._heard = True

    @property
    def reliable(self) -> bool:
        """Whether Azure has told the time within the last minute."""
        return self._heard and self._monotonic() - self._at < _RELIABLE

    def now(self) -> datetime:
        """The time of the last answer plus what has passed since."""
        return self._last + timedelta(seconds=(self._monotonic() - self._at) * self._speed)
