from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.azure import paths

_GROUP = "/subscriptions/s/resourceGroups/g"
_CLUSTER = f"{_GROUP}/providers/Microsoft.ContainerService/managedClusters/c"
_EXTENSIONS = "Microsoft.KubernetesConfiguration"
_VAULT = f"{_GROUP}/providers/Microsoft.DataProtection/backupVaults/v"


@pytest.mark.parametrize(
    ("path", "scope", "namespace", "tail"),
    [
        ("/subscriptions/s", "", "Microsoft.Resources", "subscriptions/s"),
        (_GROUP, "", "Microsoft.Resources", _GROUP[1:]),
        ("/subscriptions/s/providers/Microsoft.X", "", "Microsoft.Resources", "subscriptions/s/providers/Microsoft.X"),
        (
            "/subscriptions/s/providers/Microsoft.X/register",
            "",
            "Microsoft.Resources",
            "subscriptions/s/providers/Microsoft.X/register",
        ),
        (f"{_VAULT}/backupInstances", _GROUP, "Microsoft.DataProtection", "backupVaults/v/backupInstances"),
        (f"{_CLUSTER}/providers/{_EXTENSIONS}/extensions/e", _CLUSTER, _EXTENSIONS, "extensions/e"),
        ("/subscriptions/s/providers/Microsoft.X/things", "/subscriptions/s", "Microsoft.X", "things"),
        ("/providers/Microsoft.X/things/t", "", "Microsoft.X", "things/t"),
    ],
)
def test_a_path_is_taken_apart_at_its_last_provider(path: str, scope: str, namespace: str, tail: str) -> None:
    """The last namespace answers; what is in front of it is the scope."""
    target = paths.parse(path)
    assert (target.scope, target.namespace, target.tail) == (scope, namespace, tail)


@pytest.mark.parametrize(
    ("path", "addressed"),
    [
        (f"{_VAULT}/validateForBackup", _VAULT),
        (f"{_VAULT}/backupInstances", _VAULT),
        (f"{_VAULT}/backupInstances/i", f"{_VAULT}/backupInstances/i"),
        (f"{_CLUSTER}/providers/Microsoft.DataProtection/backupInstances", _CLUSTER),
        ("/subscriptions/s/resourceGroups", "/subscriptions/s"),
    ],
)
def test_actions_and_collections_are_about_what_they_hang_on(path: str, addressed: str) -> None:
    """Roles are looked up at the resource that a call is about."""
    assert paths.parse(path).addressed() == addressed


def test_ancestors_are_listed_outermost_first() -> None:
    """A missing vault is told before a missing instance."""
    target = paths.parse(f"{_VAULT}/backupInstances/i/recoveryPoints/r")
    assert list(target.ancestors()) == [
        ("backupVaults", _VAULT),
        ("backupVaults/backupInstances", f"{_VAULT}/backupInstances/i"),
    ]


@given(st.from_regex(r"[A-Za-z0-9._-]{1,20}", fullmatch=True), st.from_regex(r"[A-Za-z0-9._-]{1,20}", fullmatch=True))
def test_whatever_lies_in_a_group_is_within_it(group: str, name: str) -> None:
    """Containment goes by whole segments and without case."""
    scope = f"/subscriptions/S/resourceGroups/{group}"
    inside = f"/subscriptions/s/RESOURCEGROUPS/{group.upper()}/providers/Microsoft.X/things/{name}"
    assert paths.is_within(inside, scope)
    assert not paths.is_within(f"{scope}x/providers/Microsoft.X/things/{name}", scope)
