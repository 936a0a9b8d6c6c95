"""A changed catalog is rolled out to whom it concerns, once and spread over time."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from shared.arm.ids import ClusterId
from shared.catalog.loading import load
from shared.catalog.rendering import bucket_of, policy_fingerprint, render
from shared.catalog.stamp import digest
from shared.fleet.messages import Message
from shared.fleet.records import ClusterRow, State
from shared.fleet.tables import Stored
from shared.onboarding.rollout import CatalogRow, concerned, roll_out
from shared.settings import load as load_settings

ROOT = Path(__file__).resolve().parents[3]
SUBSCRIPTION = "00000000-0000-0000-0000-000000000001"
CATALOG = load(ROOT / "backup-policies.yaml")
SETTINGS = load_settings({"AUTOPILOT_SUBSCRIPTIONS": SUBSCRIPTION, "AzureWebJobsStorage": "UseDevelopmentStorage=true"})


def protected(number: int, *, policy: str = "gold", current: bool = False) -> ClusterRow:
    """A row of a protected cluster, with the fingerprint of the shipped catalog or of an older one."""
    cluster = ClusterId.parse(
        f"/subscriptions/{SUBSCRIPTION}/resourceGroups/g/providers/Microsoft.ContainerService/managedClusters/c{number}"
    )
    known = policy_fingerprint(CATALOG, CATALOG.policies[policy], cluster.key) if current else "older"
    return ClusterRow(str(cluster), state=State.PROTECTED, policy=policy, fingerprint=known)


@dataclass
class ToyRows:
    """Rows in memory."""

    rows: list[ClusterRow]

    async def all(self) -> AsyncIterator[Stored[ClusterRow]]:
        for row in self.rows:
            yield Stored(row, "etag")


@dataclass
class ToyCatalogs:
    """The row of the rolled-out catalog, in memory."""

    row: CatalogRow = field(default_factory=CatalogRow)

    async def read(self, key: Any, new: Any) -> Stored[CatalogRow]:
        return Stored(CatalogRow(self.row.digest), None)

    async def write(self, key: Any, stored: Stored[CatalogRow]) -> Stored[CatalogRow]:
        self.row = stored.value
        return stored


@dataclass
class ToySender:
    """Remembers what was sent, and when it becomes visible."""

    sent: list[tuple[Message, float]] = field(default_factory=list)

    async def send(self, message: Message, delay: float = 0) -> None:
        self.sent.append((message, delay))


@dataclass
class ToyReconciler:
    """As much of a reconciler as a rollout needs."""

    clusters: ToyRows
    settings: Any = SETTINGS
    catalog: Any = CATALOG
    sender: ToySender = field(default_factory=ToySender)


async def test_a_hundred_clusters_are_spread_and_not_a_burst() -> None:
    """One a minute by default, each once; those that have the catalog's content already are left alone."""
    rows = [protected(number) for number in range(100)] + [
        protected(number, current=True) for number in range(100, 120)
    ]
    reconciler, catalogs = ToyReconciler(ToyRows(rows)), ToyCatalogs()
    assert await roll_out(reconciler, catalogs) == 100  # type: ignore[arg-type]  # as much of them as is needed
    delays = [delay for _, delay in reconciler.sender.sent]
    assert delays == [60.0 * number for number in range(100)]
    assert len({str(message.cluster) for message, _ in reconciler.sender.sent}) == 100
    assert all(message.wake is None for message, _ in reconciler.sender.sent)


async def test_a_catalog_is_rolled_out_once() -> None:
    """The next tick finds its digest and sends nothing."""
    reconciler, catalogs = ToyReconciler(ToyRows([protected(1)])), ToyCatalogs()
    assert await roll_out(reconciler, catalogs) == 1  # type: ignore[arg-type]
    assert catalogs.row.digest == digest(SETTINGS.catalog)
    assert await roll_out(reconciler, catalogs) == 0  # type: ignore[arg-type]
    assert len(reconciler.sender.sent) == 1


@pytest.mark.parametrize(
    ("row", "wanted"),
    [
        (protected(1, current=True), False),
        (protected(1), True),
        (ClusterRow(protected(1).cluster_id, state=State.PROTECTED, policy="gone", fingerprint="x"), True),
        (ClusterRow(protected(1).cluster_id, state=State.WAITING, policy="gold"), False),
        (ClusterRow(protected(1).cluster_id, state=State.REJECTED, policy="gold"), True),
        (ClusterRow(protected(1).cluster_id, state=State.REJECTED, policy="platinum"), False),
    ],
)
def test_only_whom_it_concerns(row: ClusterRow, *, wanted: bool) -> None:
    """Another content, a policy that is gone, a rejected name that exists now; not what is on its way anyway."""
    assert concerned(row, CATALOG) is wanted


def test_start_times_are_spread_over_few_policies_and_stay() -> None:
    """A hundred clusters of a policy share as many ARM policies as it has buckets; a cluster keeps its own."""
    gold = CATALOG.policies["gold"]
    keys = [ClusterId.parse(protected(number).cluster_id).key for number in range(100)]
    buckets = [bucket_of(gold, key) for key in keys]
    assert set(buckets) == set(range(gold.schedule.buckets))
    assert buckets == [bucket_of(gold, key) for key in keys]
    starts = {
        render(gold, bucket)["policyRules"][0]["trigger"]["schedule"]["repeatingTimeIntervals"][0] for bucket in buckets
    }
    assert starts == {f"R/2023-01-04T{time}:00+00:00/PT4H" for time in ("02:00", "02:30", "03:00", "03:30")}
