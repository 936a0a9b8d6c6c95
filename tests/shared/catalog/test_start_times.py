"""Backups of a policy's clusters start at a few times within its window."""

from pathlib import Path

from shared.arm.ids import ClusterId
from shared.catalog.loading import load
from shared.catalog.rendering import bucket_of, render

CATALOG = load(Path(__file__).resolve().parents[3] / "backup-policies.yaml")
GROUP = "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/g"


def test_start_times_are_spread_over_few_policies_and_stay() -> None:
    """A hundred clusters of a policy share as many ARM policies as it has buckets; a cluster keeps its own."""
    gold = CATALOG.policies["gold"]
    keys = [
        ClusterId.parse(f"{GROUP}/providers/Microsoft.ContainerService/managedClusters/c{number}").key
        for number in range(100)
    ]
    buckets = [bucket_of(gold, key) for key in keys]
    assert set(buckets) == set(range(gold.schedule.buckets))
    assert buckets == [bucket_of(gold, key) for key in keys]
    starts = {
        render(gold, bucket)["policyRules"][0]["trigger"]["schedule"]["repeatingTimeIntervals"][0] for bucket in buckets
    }
    assert starts == {f"R/2023-01-04T{time}:00+00:00/PT4H" for time in ("02:00", "02:30", "03:00", "03:30")}
