from collections import Counter

import pytest

from local.azure import tokens
from tests.wire import comparison, player, recordings
from tests.wire.conftest import Stage
from tests.wire.scenarios import Scenario
from tests.wire.served import NOT_SERVED, SCENARIOS

pytestmark = pytest.mark.skipif(
    not recordings.FOLDER.is_dir(),
    reason="the folder of recordings isn't here; WIRE_DIR names another one",
)


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
async def test_served_as_recorded(
    scenario: Scenario, stage: Stage, agreed: set[tuple[str, int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The simulated Azure answers each recorded request as Azure did."""
    if scenario.expired:
        monkeypatch.setattr(tokens, "LIFETIME", -60)
    interactions = recordings.load(scenario.recording)
    found: list[str] = []
    async with stage(scenario) as azure, player.player(azure, scenario.caller) as playing:
        for resource_id, body in scenario.seeds:
            await playing.seed(resource_id, body)
        for index in scenario.entries:
            if step := scenario.steps.get(index):
                await step(playing)
            served = await playing.play(interactions[index])
            differences = comparison.differences(interactions[index].answer, served)
            found += [f"{interactions[index].label}: {difference}" for difference in differences]
            if not differences:
                agreed.add((scenario.recording, index))
    assert not found, "\n".join(found)


def test_every_recorded_interaction_is_accounted_for() -> None:
    """Each interaction of the folder is either replayed once or named as not served, with a reason."""
    counted: Counter[tuple[str, int]] = Counter()
    for scenario in SCENARIOS:
        counted.update((scenario.recording, index) for index in scenario.entries)
    for absent in NOT_SERVED:
        entries = range(len(recordings.load(absent.recording))) if absent.entries is None else absent.entries
        counted.update((absent.recording, index) for index in entries)
        assert absent.reason
    known = {(name, index) for name in recordings.names() for index in range(len(recordings.load(name)))}
    assert set(counted) == known
    assert set(counted.values()) == {1}
