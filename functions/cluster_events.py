"""Event Grid trigger: an event says that a cluster should be looked at. It validates, enqueues and never works."""

import os

import azure.functions as func

blueprint = func.Blueprint()  # type: ignore[no-untyped-call]  # the library leaves it so


@blueprint.event_grid_trigger(arg_name="event")
@blueprint.queue_output(arg_name="message", queue_name="reconcile", connection="AzureWebJobsStorage")
def cluster_events(event: func.EventGridEvent, message: func.Out[bytes]) -> None:
    """Put a hint into the queue, or say in one log line why not; either way the event is acknowledged."""
    from shared.fleet.events import hint_of  # noqa: PLC0415  # not needed to index the app

    hint = hint_of(event, os.environ)
    if hint is not None:
        message.set(hint.encode())
