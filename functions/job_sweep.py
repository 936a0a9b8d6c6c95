"""Timer trigger: did the fleet's backups run? It counts jobs, says what failed or is late, and tells it once."""

import azure.functions as func

blueprint = func.Blueprint()  # type: ignore[no-untyped-call]  # the library leaves it so


@blueprint.timer_trigger(arg_name="timer", schedule="%JOB_SWEEP_SCHEDULE%", run_on_startup=False)
async def job_sweep(timer: func.TimerRequest) -> None:
    """Sweep once; a run that comes late sees what an earlier one would have seen."""
    del timer
    from shared.services import services  # noqa: PLC0415  # brings the SDKs: when it is needed

    await services().sweep()
