"""What a policy keeps of a cluster, and what that costs by the user's own prices."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.catalog.__main__ import main
from shared.catalog.cost import TEMPLATE, Cluster, Prices, priced, quantities, read_prices
from shared.catalog.loading import load
from shared.catalog.model import Contents, OnDemand, Policy, Schedule, VaultTier

ROOT = Path(__file__).resolve().parents[3]
SHIPPED = ROOT / "backup-policies.yaml"
PRICES = """\
currency: EUR
namespaceMonth: 5
snapshotGibMonth: 0.05
vaultGibMonth:
  LocallyRedundant: 0.02
  ZoneRedundant: 0.03
  GeoRedundant: 0.04
"""
ONE = """\
vaultProfiles:
  standard: {redundancy: GeoRedundant}
policies:
  one:
    vaultProfile: standard
    schedule: {every: P1D}
    operationalRetention: P11D
    vaultTier: {daily: P21D}
"""
VAULT = (
    "/subscriptions/00000000-0000-0000-0000-00000000000a/resourceGroups/g/providers/Microsoft.DataProtection/"
    "backupVaults/vault1"
)


def run(capsys: pytest.CaptureFixture[str], folder: Path, catalog: str, *arguments: str, prices: str = "") -> str:
    """What cost prints of a catalog when all is well."""
    (folder / "c.yaml").write_text(catalog)
    (folder / "prices.yaml").write_text(prices)
    given_prices = ["--prices", str(folder / "prices.yaml")] if prices else []
    assert main(["cost", "--file", str(folder / "c.yaml"), *given_prices, *arguments]) == 0
    printed = capsys.readouterr()
    assert not printed.err
    return printed.out


CLUSTER = ("--namespaces", "4", "--disks", "3", "--gib", "100", "--change-percent", "10")


def test_quantities_and_their_arithmetic_are_printed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Without prices there is no money in it."""
    printed = run(capsys, tmp_path, ONE, *CLUSTER)
    assert printed == (
        "One cluster: 4 protected namespaces, 3 disks, 100 GiB used on them, 10.0% of it changes a day. In the long "
        "run; a month has 30 days.\n"
        "\n"
        "policy  namespaces  points  snapshots  snapshot GiB  vault points  vault GiB\n"
        "one              4      11         33           200            21        300\n"
        "\n"
        "one\n"
        "  namespaces: 4 assumed\n"
        "  points: 11 days / 1 day = 11\n"
        "  snapshots: 11 points x 3 disks = 33\n"
        "  snapshot GiB: 100 + 100 GiB x 0.1 a day x 10 days = 200.0\n"
        "  vault points: 21, from 21 days on\n"
        "  vault GiB: 100 + 100 GiB x 0.1 a day between 21 copies, each at most 100 = 300.0\n"
        "\n"
        "No prices: give a price file with --prices; --template prints an empty one.\n"
    )


def test_prices_multiply_quantities(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """By the redundancy of the policy's vault profile."""
    printed = run(capsys, tmp_path, ONE, *CLUSTER, prices=PRICES)
    assert (
        "EUR a month  namespaces  snapshots  vault  total\none               20.00      10.00  12.00  42.00\n"
        in printed
    )
    assert "one: 4 namespaces x 5 + 200.0 GiB x 0.05 + 300.0 GiB x 0.04 (GeoRedundant) = 42.00\n" in printed


def test_a_price_that_is_missing_leaves_the_sum_open(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """An unknown price is no price of nothing."""
    printed = run(capsys, tmp_path, ONE, *CLUSTER, prices=PRICES.replace("GeoRedundant: 0.04", "GeoRedundant:"))
    assert "one               20.00      10.00      ?      ?\n" in printed
    assert "+ 300.0 GiB x ? (GeoRedundant) = ?\n" in printed


def test_what_there_is_none_of_needs_no_price(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A policy without a vault tier is priced without a price of vaults."""
    catalog = ONE.replace("    vaultTier: {daily: P21D}\n", "")
    printed = run(capsys, tmp_path, catalog, *CLUSTER, prices=PRICES.replace("GeoRedundant: 0.04", "GeoRedundant:"))
    assert "one               20.00      10.00   0.00  30.00\n" in printed


@pytest.mark.parametrize(
    ("ceiling", "warning"),
    [
        ("41.99", "warning: one: 42.00 EUR a month is above its costCeiling of 41.99\n"),
        ("42", ""),
        ("1000", ""),
    ],
)
def test_a_ceiling_warns(ceiling: str, warning: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Above it, not at it; the exit status stays 0."""
    printed = run(capsys, tmp_path, f"{ONE}    costCeiling: {ceiling}\n", *CLUSTER, prices=PRICES)
    assert printed.partition("warning: ")[2] == warning.removeprefix("warning: ")


def test_a_ceiling_without_prices_is_not_passed_over(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It is said that nothing was compared."""
    catalog = f"{ONE}    costCeiling: 5\n"
    wanted = "warning: one: costCeiling 5 can't be compared: not all prices are known\n"
    assert run(capsys, tmp_path, catalog).endswith(wanted)
    assert run(capsys, tmp_path, catalog, prices=PRICES.replace("0.04", "")).endswith(wanted)


def test_the_template_is_a_price_file_without_prices(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """No price is shipped; what it prints can be filled in and read."""
    printed = run(capsys, tmp_path, ONE, "--template")
    assert printed == TEMPLATE
    prices = read_prices(printed, "prices.yaml")
    assert (prices.namespace_month, prices.snapshot_gib_month) == (None, None)
    assert prices.vault_gib_month == dict.fromkeys(("LocallyRedundant", "ZoneRedundant", "GeoRedundant"))
    filled = printed.replace("namespaceMonth: ", "namespaceMonth: 5.5")
    assert read_prices(filled, "prices.yaml").namespace_month == 5.5


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (("namespaceMonth: 5", "namespaceMonth: -5"), "prices.yaml:2: namespaceMonth: is '-5'; wanted: a price, at"),
        (("namespaceMonth: 5", "namespaceMonth: five"), "prices.yaml:2: namespaceMonth: is 'five'; wanted: a price"),
        (("namespaceMonth: 5\n", ""), "'namespaceMonth' is missing"),
        (("namespaceMonth: 5", "namespacesMonth: 5"), "namespacesMonth: unknown field; did you mean 'namespaceMonth'?"),
        (("ZoneRedundant:", "ZonesRedundant:"), "prices.yaml:6: vaultGibMonth.ZonesRedundant: is 'ZonesRedundant'; "),
        (("GeoRedundant: 0.04", "GeoRedundant: free"), "prices.yaml:7: vaultGibMonth.GeoRedundant: is 'free'; wanted"),
        (("currency: EUR", "\tcurrency: EUR"), "no valid YAML"),
        (("currency: EUR", "currency: EUR\ncurrency: USD"), "prices.yaml:2: 'currency' stands twice"),
    ],
)
def test_faults_of_a_price_file_are_told(
    change: tuple[str, str], fault: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """With file and line; nothing is priced by half a price file."""
    file = tmp_path / "prices.yaml"
    file.write_text(PRICES.replace(*change))
    assert main(["cost", "--file", str(SHIPPED), "--prices", str(file)]) == 1
    printed = capsys.readouterr()
    assert fault in printed.err
    assert not printed.out


def test_an_existing_policy_is_not_counted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Its retention is in Azure, not in the catalog."""
    catalog = f"{ONE}    existing: {{vault: {VAULT}, policy: {VAULT}/backupPolicies/theirs}}\n"
    printed = run(capsys, tmp_path, catalog, prices=PRICES)
    assert "one: not counted, as the existing policy's retention isn't known here\n" in printed
    assert "points" not in printed


QUANTITIES = {
    "as listed": (Policy("p", contents=Contents(included_namespaces=("a", "b"))), "namespaces", 2),
    "as assumed": (Policy("p"), "namespaces", 10),
    "snapshots of all points": (Policy("p"), "snapshots", 42 * 10),
    "no volumes, no snapshots": (Policy("p", contents=Contents(volume_snapshots=False)), "snapshots", 0),
    "no volumes, no GiB": (Policy("p", contents=Contents(volume_snapshots=False)), "snapshot_gib", 0),
    "no vault tier": (Policy("p"), "vault_gib", 0),
    "on-demand points": (Policy("p", on_demand=OnDemand(every="P1D")), "points", 49),
    "a single point is whole": (
        Policy("p", schedule=Schedule("P1D"), operational_retention="P1D"),
        "snapshot_gib",
        500,
    ),
    "a single copy is whole": (Policy("p", vault_tier=VaultTier(yearly="P1Y")), "vault_gib", 500),
    # two copies of different years: the second one is whole, not 365 times 2 percent
    "a change is at most everything": (Policy("p", vault_tier=VaultTier(yearly="P2Y")), "vault_gib", 1000),
}


@pytest.mark.parametrize(("policy", "what", "count"), QUANTITIES.values(), ids=QUANTITIES.keys())
def test_what_is_counted(policy: Policy, what: str, count: float) -> None:
    """With the usual cluster: 10 namespaces, 10 disks, 500 GiB, 2 percent a day."""
    assert getattr(quantities(policy, Cluster()), what) == count


@given(
    gib=st.floats(0, 1e6),
    change=st.floats(0, 1),
    days=st.integers(1, 359),  # a day more is compared, and 360 is the most
    price=st.floats(0, 100),
)
def test_more_kept_never_costs_less(gib: float, change: float, days: int, price: float) -> None:
    """Twice the cluster costs twice as much, and a longer retention at least as much."""
    prices = Prices("EUR", price, price, {"LocallyRedundant": price})

    def total(kept: int, factor: int) -> float:
        policy = Policy("p", operational_retention=f"P{kept}D", vault_tier=VaultTier(daily=f"P{kept}D"))
        cluster = Cluster(10 * factor, 10 * factor, gib * factor, change)
        cost = priced(quantities(policy, cluster), prices, "LocallyRedundant").total
        assert cost is not None
        return cost

    assert total(days, 2) == pytest.approx(2 * total(days, 1))
    assert total(days + 1, 1) >= total(days, 1) or total(days + 1, 1) == pytest.approx(total(days, 1))


def test_the_shipped_catalog_is_counted(capsys: pytest.CaptureFixture[str]) -> None:
    """Every policy has its row."""
    assert main(["cost", "--file", str(SHIPPED)]) == 0
    rows = capsys.readouterr().out.split("\n\n")[1].splitlines()[1:]
    assert [row.split()[0] for row in rows] == list(load(SHIPPED).policies)
