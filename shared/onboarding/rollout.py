"""A changed catalog reaches the clusters that it concerns, one after the other and not in a burst.

What a cluster was last protected with stands in its status row as a fingerprint. When the catalog says something else,
the cluster is asked for a pass; the pass itself finds out what differs and moves the instance.
"""

from collections.abc import AsyncIterator

from msgspec import Struct

from shared import logs
from shared.arm.ids import ClusterId
from shared.catalog.model import Catalog
from shared.catalog.rendering import policy_fingerprint
from shared.catalog.stamp import digest
from shared.errors import RowChanged
from shared.fleet.messages import Message
from shared.fleet.records import ClusterRow, State
from shared.fleet.tables import Key, Rows
from shared.onboarding.reconcile import Reconciler


class CatalogRow(Struct):
    """The catalog that was rolled out last."""

    digest: str = ""


_KEY = Key("catalog", "rolled-out")


def concerned(row: ClusterRow, catalog: Catalog) -> bool:
    """Whether the catalog says something else about a cluster than what it was last protected with."""
    if row.state is State.REJECTED:
        return row.policy in catalog.policies  # the tag named a policy that there was not, and now is
    if not row.fingerprint:
        return False  # on its way: its passes read the catalog anyway
    policy = catalog.policies.get(row.policy)
    return policy is None or policy_fingerprint(catalog, policy, ClusterId.parse(row.cluster_id).key) != row.fingerprint


async def roll_out(reconciler: Reconciler, catalogs: Rows[CatalogRow]) -> int:
    """Send a delayed hint to every cluster that is concerned, and remember that this catalog was rolled out.

    Dying in the middle repeats the hints, which changes nothing but time. Returns how many were sent.
    """
    settings = reconciler.settings
    current = digest(settings.catalog)
    stored = await catalogs.read(_KEY, CatalogRow)
    if stored.value.digest == current:
        return 0
    sent = 0
    async for cluster in _concerned(reconciler):
        delay = sent * settings.rollout_seconds * settings.wait_scale
        await reconciler.sender.send(Message(cluster, "catalog changed"), delay)
        sent += 1
    stored.value.digest = current
    try:
        await catalogs.write(_KEY, stored)
    except RowChanged:
        logs.info("rollout_twice")
    logs.info("rollout", clusters=sent, spacing_s=settings.rollout_seconds)
    return sent


async def _concerned(reconciler: Reconciler) -> AsyncIterator[ClusterId]:
    async for stored in reconciler.clusters.all():
        if concerned(stored.value, reconciler.catalog):
            yield ClusterId.parse(stored.value.cluster_id)
