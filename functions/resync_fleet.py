"""Timer triggers: the fleet drifts back to what is wanted, and a changed catalog needn't wait for that."""

from datetime import UTC, datetime

import azure.functions as func

blueprint = func.Blueprint()  # type: ignore[no-untyped-call]  # the library leaves it so

_USUAL = 3600.0
"""Seconds to the next tick when the host doesn't say."""


@blueprint.timer_trigger(arg_name="timer", schedule="%RESYNC_SCHEDULE%", run_on_startup=False)
async def resync_fleet(timer: func.TimerRequest) -> None:
    """Compare the whole fleet with what is wanted for it, and ask for a pass over each cluster that differs."""
    from shared.services import services  # noqa: PLC0415  # brings the SDKs: when it is needed

    await services().resync.run(_seconds_to_next(timer) or _USUAL)


@blueprint.timer_trigger(arg_name="timer", schedule="0 */5 * * * *", run_on_startup=False)
async def catalog_rollout(timer: func.TimerRequest) -> None:
    """Do the same at once when the catalog isn't the one that was compared last; mostly it is, and that is all."""
    del timer
    from shared.services import services  # noqa: PLC0415  # as above

    await services().resync.run_if_changed()


def _seconds_to_next(timer: func.TimerRequest) -> float | None:
    """Seconds until the schedule's next tick, None when the host doesn't say."""
    status = getattr(timer, "schedule_status", None) or {}  # the library's own type of the parameter doesn't name it
    try:
        upcoming = datetime.fromisoformat(str(status["Next"]))
    except (KeyError, ValueError):
        return None
    moment = upcoming if upcoming.tzinfo else upcoming.replace(tzinfo=UTC)
    left = (moment - datetime.now(UTC)).total_seconds()
    return left if left > 0 else None
