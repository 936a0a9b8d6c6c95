"""Looks at operations that earlier passes left running."""

from typing import Any

import pytest

from shared.arm.answers import OperationState
from shared.errors import ArmError
from shared.fleet.records import Progress
from shared.onboarding.world import World

URL = "https://management.azure.com/subscriptions/s/operations/1"


class ToyDoor:
    """Answers one look."""

    def __init__(self, answer: OperationState | ArmError) -> None:
        self._answer = answer

    async def poll(self, url: str) -> OperationState:
        assert url == URL
        if isinstance(self._answer, ArmError):
            raise self._answer
        return self._answer


def world_with(answer: OperationState | ArmError) -> World:
    """A world in which the step left an operation running."""
    door: Any = ToyDoor(answer)
    desired: Any = type("Desired", (), {"cluster": None})()
    return World(door, desired, Progress(operations={"step": URL}), cluster_read=False)


async def test_a_running_operation_is_kept_and_an_ended_one_forgotten() -> None:
    """Whoever started it asks again while it runs; afterwards there is nothing to ask."""
    running = world_with(OperationState(running=True, retry_after=3, body={}))
    assert (await running.operation("step"), running.progress.operations) != (None, {})
    assert await running.operation("other") is None
    ended = world_with(OperationState(running=False, retry_after=None, body={}))
    assert await ended.operation("step") is not None
    assert ended.progress.operations == {}


@pytest.mark.parametrize(("status", "kept"), [(0, True), (429, True), (503, True), (500, False), (404, False)])
async def test_a_refused_look_forgets_the_operation_unless_it_says_nothing(status: int, kept: bool) -> None:
    """A Location answers for a failed operation with an error; asking it again would answer the same for ever."""
    world = world_with(ArmError("no", status=status))
    with pytest.raises(ArmError):
        await world.operation("step")
    assert bool(world.progress.operations) is kept
