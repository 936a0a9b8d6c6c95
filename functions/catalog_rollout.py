"""Timer trigger: a changed catalog reaches the clusters that it concerns."""

import azure.functions as func

blueprint = func.Blueprint()  # type: ignore[no-untyped-call]  # the library leaves it so


@blueprint.timer_trigger(arg_name="timer", schedule="0 */5 * * * *", run_on_startup=False)
async def catalog_rollout(timer: func.TimerRequest) -> None:
    """Compare the catalog with the one that was rolled out last; mostly they are the same, and that is all."""
    del timer
    from shared.services import services  # noqa: PLC0415  # brings the SDKs: when it is needed

    await services().roll_out()
