"""The pause: a row that stops all writes to Azure within a second, on every instance and without a deployment."""

from __future__ import annotations

import time

from msgspec import Struct

from shared import logs
from shared.errors import RowChanged
from shared.fleet.tables import Key, Rows

_KEY = Key("governance", "pause")
_FRESH = 1.0  # real seconds for which a look at the row counts: passes write in batches
_RACES = 10


class PauseRow(Struct):
    """The switch.

    Attributes:
        on: whether the app is paused.
        since: when it was set so, real epoch seconds.
        by: who did it.
        reason: why, in people's words.
    """

    on: bool = False
    since: float = 0.0
    by: str = ""
    reason: str = ""


_UNREADABLE = PauseRow(on=True, by="the app", reason="the switch can't be read, as after a step back; set it again")
"""What a row means that is there and that nobody has set: one of another version comes back as a new one."""


class Pause:
    """Reads and sets the switch; the setting `AUTOPILOT_PAUSED=on` holds whatever the row says."""

    def __init__(self, rows: Rows[PauseRow], *, always: bool) -> None:
        self._rows = rows
        self._always = always
        self._seen: PauseRow | None = None
        self._seen_at = 0.0

    async def state(self) -> PauseRow:
        """How the switch stands, at most a second old.

        Raises:
            AzureError: the row can't be read; whoever wants to write doesn't, then.
        """
        if self._always:
            return PauseRow(on=True, by="AUTOPILOT_PAUSED", reason="the setting says so")
        if self._seen is None or not 0 <= time.monotonic() - self._seen_at < _FRESH:
            stored = await self._rows.read(_KEY, PauseRow)
            self._seen = _UNREADABLE if stored.etag is not None and not stored.value.since else stored.value
            self._seen_at = time.monotonic()
        return self._seen

    async def set(self, *, on: bool, by: str, reason: str) -> PauseRow:
        """Turn it on or off; how it stands then.

        Raises:
            RowChanged: others keep setting it.
        """
        for _ in range(_RACES):
            stored = await self._rows.read(_KEY, PauseRow)
            if stored.value.on == on and stored.value.since:
                break
            stored.value.on, stored.value.since, stored.value.by, stored.value.reason = on, time.time(), by, reason
            try:
                stored = await self._rows.write(_KEY, stored)
            except RowChanged:
                continue
            logs.warning("paused" if on else "resumed", by=by, why=reason)
            break
        else:
            raise RowChanged(f"lost {_RACES} races for the pause")
        self._seen, self._seen_at = stored.value, time.monotonic()
        return stored.value
