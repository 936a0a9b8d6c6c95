"""Poison-queue triggers: a message that failed too often leaves a status row that says so."""

import logging

import azure.functions as func

blueprint = func.Blueprint()  # type: ignore[no-untyped-call]  # the library leaves it so


@blueprint.queue_trigger(arg_name="message", queue_name="reconcile-poison", connection="AzureWebJobsStorage")
async def reconcile_poison(message: func.QueueMessage) -> None:
    """Record a poisoned message of the fleet's queue."""
    await _record(message)


@blueprint.queue_trigger(arg_name="message", queue_name="reconcile-urgent-poison", connection="AzureWebJobsStorage")
async def reconcile_urgent_poison(message: func.QueueMessage) -> None:
    """Record a poisoned message of people's queue."""
    await _record(message)


async def _record(message: func.QueueMessage) -> None:
    from shared.services import services  # noqa: PLC0415  # brings the SDKs: when it is needed

    try:
        await services().record_poisoned(message.get_body(), message.id or "")
    except Exception:  # the trigger's boundary: a poisoned message must not poison its own queue
        logging.getLogger("autopilot").exception("poisoned message %s could not be recorded", message.id)
