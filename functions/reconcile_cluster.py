"""Queue triggers: one message, one pass over one cluster, seconds. People's requests have a queue of their own."""

import azure.functions as func

blueprint = func.Blueprint()  # type: ignore[no-untyped-call]  # the library leaves it so


@blueprint.queue_trigger(arg_name="message", queue_name="reconcile", connection="AzureWebJobsStorage")
async def reconcile_cluster(message: func.QueueMessage) -> None:
    """Look at a cluster because of an event, a timer or an earlier pass."""
    await _reconcile(message)


@blueprint.queue_trigger(arg_name="message", queue_name="reconcile-urgent", connection="AzureWebJobsStorage")
async def reconcile_cluster_urgent(message: func.QueueMessage) -> None:
    """Look at a cluster because somebody asked."""
    await _reconcile(message)


async def _reconcile(message: func.QueueMessage) -> None:
    from shared.services import services  # noqa: PLC0415  # brings the SDKs: when the first message comes

    await services().reconcile(message.get_body(), message.id or "")
