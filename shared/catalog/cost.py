"""What a policy keeps of one cluster, in numbers, and what that costs by a price file.

No price is shipped: prices differ by region, agreement and time, and a wrong one looks like a right one. Quantities are
those of the long run, when as much expires as is added. An estimate: snapshots and vault copies are taken as
incremental, the oldest one whole and each other one with what changed since the one before it, and nothing is
compressed.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Annotated, Literal

from msgspec import Meta, ValidationError, convert

from shared.catalog.document import parse
from shared.catalog.loading import faults_of
from shared.catalog.model import Catalog, Policy, minutes
from shared.catalog.timeline import DAY, full_vault_days, timeline
from shared.catalog.value import CatalogValue
from shared.catalog.wording import spoken, table
from shared.errors import CatalogError

Price = Annotated[float, Meta(ge=0, description="a price, at least 0")]
Redundancy = Literal["LocallyRedundant", "ZoneRedundant", "GeoRedundant"]

TEMPLATE = """\
# Prices of your region and agreement, for months of 30 days. Empty: not known, and nothing is added up without it.
currency: EUR
namespaceMonth:  # a protected namespace, a month (an AKS backup instance is billed by its protected namespaces)
snapshotGibMonth:  # a GiB of disk snapshots, a month
vaultGibMonth:  # a GiB in the vault tier, a month, by the vault's redundancy
  LocallyRedundant:
  ZoneRedundant:
  GeoRedundant:
"""


class Prices(CatalogValue, frozen=True):
    """A price file; None is a price that isn't known."""

    currency: str
    namespace_month: Price | None
    snapshot_gib_month: Price | None
    vault_gib_month: dict[Redundancy, Price | None]


@dataclass(frozen=True, slots=True)
class Cluster:
    """The cluster that is counted with.

    Attributes:
        namespaces: that are protected, where the policy doesn't list them.
        disks: that are snapshotted.
        gib: GiB used on all its disks together.
        change: the part of them that changes a day, 0 to 1.
    """

    namespaces: int = 10
    disks: int = 10
    gib: float = 500
    change: float = 0.02


@dataclass(frozen=True, slots=True)
class Quantities:
    """What is there of one cluster in the long run; `steps` says how each number comes about."""

    namespaces: int
    points: int
    snapshots: int
    snapshot_gib: float
    vault_points: int
    vault_gib: float
    steps: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Cost:
    """Money a month, in the price file's currency; None where a price that is needed isn't known."""

    namespaces: float | None
    snapshots: float | None
    vault: float | None

    @property
    def total(self) -> float | None:
        """The sum, if all parts are known."""
        parts = (self.namespaces, self.snapshots, self.vault)
        return None if None in parts else sum(part for part in parts if part is not None)


def read_prices(text: str, source: str) -> Prices:
    """Read a price file.

    Raises:
        CatalogError: with every fault, each as `file:line: field: what is wrong; what is allowed`.
    """
    document = parse(text)
    faults = list(document.faults)
    if not faults:
        try:
            return convert(document.value, Prices)
        except ValidationError as error:
            faults = faults_of(document, Prices, error)
    raise CatalogError("Price file", [f"{source}:{line}: {text}" for line, text in sorted(faults)])


def quantities(policy: Policy, cluster: Cluster) -> Quantities:
    """Count what a policy keeps of a cluster in the long run."""
    namespaces = len(policy.contents.included_namespaces) or cluster.namespaces
    last = timeline(policy)[-1]
    volumes = policy.contents.volume_snapshots
    snapshots = last.operational * cluster.disks if volumes else 0
    span = (minutes(policy.operational_retention) - minutes(policy.schedule.every)) / DAY
    snapshot_gib = cluster.gib * (1 + cluster.change * span) if snapshots else 0.0
    days = full_vault_days(policy)
    changed = sum(min(cluster.change * (later - earlier).days, 1) for earlier, later in pairwise(days))
    vault_gib = cluster.gib * (1 + changed) if days and snapshots else 0.0
    daily = f"{cluster.gib:g} GiB x {cluster.change:.4g} a day"
    steps = [
        f"namespaces: {namespaces} {'listed by the policy' if policy.contents.included_namespaces else 'assumed'}",
        f"points: {_points(policy)} = {last.operational:,}",
    ]
    if snapshots:
        steps.append(f"snapshots: {last.operational:,} points x {cluster.disks} disks = {snapshots:,}")
        steps.append(f"snapshot GiB: {cluster.gib:g} + {daily} x {span:.4g} days = {snapshot_gib:,.1f}")
    else:
        steps.append("snapshots: none, as there are no volumes to back up")
    if last.vault:
        steps.append(f"vault points: {last.vault:,}, from {spoken(last.after)} on")
    if vault_gib:
        steps.append(
            f"vault GiB: {cluster.gib:g} + {daily} between {len(days):,} copies, "
            f"each at most {cluster.gib:g} = {vault_gib:,.1f}"
        )
    return Quantities(namespaces, last.operational, snapshots, snapshot_gib, last.vault, vault_gib, tuple(steps))


def _points(policy: Policy) -> str:
    scheduled = f"{spoken(policy.operational_retention)} / {spoken(policy.schedule.every)}"
    return f"{scheduled}, and those on demand" if policy.on_demand else scheduled


def priced(counted: Quantities, prices: Prices, redundancy: Redundancy) -> Cost:
    """Quantities times prices; what there is none of costs nothing, with or without a price."""
    vault = prices.vault_gib_month.get(redundancy)
    return Cost(
        _times(counted.namespaces, prices.namespace_month),
        _times(counted.snapshot_gib, prices.snapshot_gib_month),
        _times(counted.vault_gib, vault),
    )


def _times(quantity: float, price: float | None) -> float | None:
    return quantity * price if price is not None else None if quantity else 0.0


def report(catalog: Catalog, cluster: Cluster, prices: Prices | None) -> str:
    """Quantities, and with prices the cost, of one cluster under each policy, with the arithmetic."""
    assumed = (
        f"One cluster: {cluster.namespaces} protected namespaces, {cluster.disks} disks, {cluster.gib:g} GiB used on "
        f"them, {cluster.change:.1%} of it changes a day. In the long run; a month has 30 days."
    )
    blocks = [[assumed]]
    counted = {
        name: quantities(policy, cluster) for name, policy in catalog.policies.items() if not policy.existing.policy
    }
    if counted:
        blocks.append(_quantity_table(counted))
    unknown = [name for name in catalog.policies if name not in counted]
    blocks.append([f"{name}: not counted, as the existing policy's retention isn't known here" for name in unknown])
    blocks.append([line for name, found in counted.items() for line in (name, *(f"  {step}" for step in found.steps))])
    if prices is None:
        blocks.append(["No prices: give a price file with --prices; --template prints an empty one."])
    else:
        costs = {name: priced(found, prices, _redundancy(catalog, name)) for name, found in counted.items()}
        blocks += [_cost_table(costs, prices), list(_sums(catalog, counted, prices))]
    blocks.append(list(_ceilings(catalog, counted, prices)))
    return "\n\n".join("\n".join(lines) for lines in blocks if lines)


def _redundancy(catalog: Catalog, name: str) -> Redundancy:
    return catalog.profile_of(catalog.policies[name]).redundancy


def _quantity_table(counted: Mapping[str, Quantities]) -> list[str]:
    rows = [["policy", "namespaces", "points", "snapshots", "snapshot GiB", "vault points", "vault GiB"]]
    for name, found in counted.items():
        numbers = (found.namespaces, found.points, found.snapshots, found.snapshot_gib, found.vault_points)
        rows.append([name, *(f"{number:,.0f}" for number in (*numbers, found.vault_gib))])
    return table(rows, right=range(1, 7))


def _money(amount: float | None) -> str:
    return "?" if amount is None else f"{amount:,.2f}"


def _cost_table(costs: Mapping[str, Cost], prices: Prices) -> list[str]:
    rows = [[f"{prices.currency} a month", "namespaces", "snapshots", "vault", "total"]]
    for name, cost in costs.items():
        rows.append([name, *map(_money, (cost.namespaces, cost.snapshots, cost.vault, cost.total))])
    return table(rows, right=range(1, 5))


def _sums(catalog: Catalog, counted: Mapping[str, Quantities], prices: Prices) -> Iterator[str]:
    for name, found in counted.items():
        redundancy = _redundancy(catalog, name)
        vault = prices.vault_gib_month.get(redundancy)
        cost = priced(found, prices, redundancy)
        yield (
            f"{name}: {found.namespaces} namespaces x {_price(prices.namespace_month)} + "
            f"{found.snapshot_gib:,.1f} GiB x {_price(prices.snapshot_gib_month)} + "
            f"{found.vault_gib:,.1f} GiB x {_price(vault)} ({redundancy}) = {_money(cost.total)}"
        )


def _price(price: float | None) -> str:
    return "?" if price is None else f"{price:g}"


def _ceilings(catalog: Catalog, counted: Mapping[str, Quantities], prices: Prices | None) -> Iterator[str]:
    for name, found in counted.items():
        ceiling = catalog.policies[name].cost_ceiling
        if ceiling is None:
            continue
        total = priced(found, prices, _redundancy(catalog, name)).total if prices else None
        if total is None:
            yield f"warning: {name}: costCeiling {ceiling:g} can't be compared: not all prices are known"
        elif total > ceiling:
            currency = prices.currency if prices else ""
            yield f"warning: {name}: {_money(total)} {currency} a month is above its costCeiling of {ceiling:g}"
