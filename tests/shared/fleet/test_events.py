"""Event -> hint, with the event classes that the Functions runtime hands out."""

import logging
from typing import Any

import azure.functions as func  # noqa: TID251  # what the runtime hands out
import pytest

from shared.fleet.events import hint_of

SUBSCRIPTION = "00000000-0000-0000-0000-000000000001"
CLUSTER = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/g/providers/Microsoft.ContainerService/managedClusters/c"
ENVIRON = {"AUTOPILOT_SUBSCRIPTIONS": SUBSCRIPTION, "AzureWebJobsStorage": "UseDevelopmentStorage=true"}
WRITE = "Microsoft.ContainerService/managedClusters/write"
SUCCESS = "Microsoft.Resources.ResourceWriteSuccess"


def grid(subject: str = CLUSTER, kind: str = SUCCESS, data: Any = None) -> func.EventGridEvent:
    """An event in Event Grid's schema."""
    data = {"operationName": WRITE, "claims": {"name": "Imogen Invented"}} if data is None else data
    return func.EventGridEvent(
        id="1", data=data, topic="", subject=subject, event_type=kind, event_time=None, data_version="2"
    )


def cloud(subject: str = CLUSTER, kind: str = SUCCESS, data: Any = None) -> func.CloudEvent:
    """An event in the CloudEvents schema."""
    data = {"operationName": WRITE} if data is None else data
    return func.CloudEvent(id="1", source="", type=kind, specversion="1.0", data=data, subject=subject)


@pytest.mark.parametrize("event", [grid(), cloud()], ids=["grid", "cloud"])
def test_both_schemas_name_the_cluster(event: func.EventGridEvent | func.CloudEvent) -> None:
    """A hint has the cluster that the event is about and no wake."""
    hint = hint_of(event, ENVIRON)
    assert hint is not None
    assert (str(hint.cluster), hint.wake, hint.reason) == (CLUSTER, None, f"event {WRITE}")


@pytest.mark.parametrize(
    ("event", "why"),
    [
        (grid(kind="Microsoft.Resources.ResourceWriteFailure"), "other event"),
        (grid(data={"operationName": "Microsoft.Compute/disks/write"}), "other event"),
        (cloud(data="no object"), "other event"),
        (cloud(data=[1]), "other event"),
        (grid(subject=f"{CLUSTER}/agentPools/p"), "not a managed cluster"),
        (grid(subject=f"{CLUSTER}/../other"), "not a managed cluster"),
        (cloud(subject=f"{CLUSTER}\n"), "not a managed cluster"),
        (grid(subject=CLUSTER.replace("0001/", "0009/")), "isn't one of AUTOPILOT_SUBSCRIPTIONS"),
    ],
)
def test_anything_else_is_ignored_with_one_log_line(
    event: func.EventGridEvent | func.CloudEvent, why: str, caplog: pytest.LogCaptureFixture
) -> None:
    """No hint, and a line that says why and holds no line break and no claims."""
    with caplog.at_level(logging.INFO, "autopilot"):
        assert hint_of(event, ENVIRON) is None
    [line] = caplog.messages
    assert line.startswith("event_ignored ")
    assert why in line
    assert "\n" not in line
    assert "Imogen" not in line
