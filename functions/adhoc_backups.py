"""Timer trigger: on-demand backups where the catalog asks for them."""

import azure.functions as func

blueprint = func.Blueprint()  # type: ignore[no-untyped-call]  # the library leaves it so


@blueprint.timer_trigger(arg_name="timer", schedule="%ADHOC_BACKUP_SCHEDULE%", run_on_startup=False)
async def adhoc_backups(timer: func.TimerRequest) -> None:
    """Start what is due; limits are Azure's and the catalog's."""
    del timer
    from shared.services import services  # noqa: PLC0415  # brings the SDKs: when it is needed

    await services().starter.tick()
