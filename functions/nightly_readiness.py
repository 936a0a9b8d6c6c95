"""Timer trigger: could every cluster be restored? Checked each night, by Azure itself in turns; changes are told."""

import azure.functions as func

blueprint = func.Blueprint()  # type: ignore[no-untyped-call]  # the library leaves it so


@blueprint.timer_trigger(arg_name="timer", schedule="%READINESS_SCHEDULE%", run_on_startup=False)
async def nightly_readiness(timer: func.TimerRequest) -> None:
    """Do a part of the night's work; the next run goes on from what is still due."""
    del timer
    from shared.services import services  # noqa: PLC0415  # brings the SDKs: when it is needed

    await services().nightly.run()
