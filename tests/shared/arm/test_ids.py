"""Ids: read as Azure writes them, refused when they are anything else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.arm.ids import ClusterId, group_of, same_id
from shared.errors import InvalidResourceId

SUBSCRIPTION = "00000000-0000-4000-8000-00000000000a"
GROUP = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/My.Group-(1)"
GOOD = f"{GROUP}/providers/Microsoft.ContainerService/managedClusters/Aks_1"


def test_spelling_does_not_matter() -> None:
    """However Azure spells an id, it is one cluster with one key."""
    one, other = ClusterId.parse(GOOD), ClusterId.parse(GOOD.upper())
    assert one.key == other.key
    assert str(one) == GOOD
    assert same_id(str(one), str(other))
    assert (one.group, one.name) == ("My.Group-(1)", "Aks_1")


@pytest.mark.parametrize(
    "text",
    [
        "",
        GOOD + "/agentPools/one",
        GOOD + "?api-version=1",
        GOOD + "\n",
        GOOD.replace("Aks_1", "a" * 64),
        GOOD.replace("Aks_1", "-a"),
        GOOD.replace("My.Group-(1)", "dot."),
        GOOD.replace("My.Group-(1)", ".."),
        GOOD.replace("My.Group-(1)", "a/../b"),
        GOOD.replace("My.Group-(1)", "a%2fb"),
        GOOD.replace(SUBSCRIPTION, "mine"),
        GOOD.replace("managedClusters", "openShiftClusters"),
        "https://elsewhere.example" + GOOD,
    ],
)
def test_anything_else_is_refused(text: str) -> None:
    """A hostile or broken id never becomes part of a URL."""
    with pytest.raises(InvalidResourceId):
        ClusterId.parse(text)


@given(st.text())
def test_what_is_accepted_holds_nothing_that_a_url_gives_meaning_to(text: str) -> None:
    """Whatever stands in for a name: it is refused, or safe."""
    try:
        cluster = ClusterId.parse(GOOD.replace("Aks_1", text).replace("My.Group-(1)", text))
    except InvalidResourceId:
        return
    assert not set(str(cluster)) & set("?#%\\ \n\r\t&=;")


def test_the_group_of_a_child_resource_is_found() -> None:
    """Ids of children lead to their resource group; an id without one is refused."""
    assert group_of(GOOD) == "My.Group-(1)"
    with pytest.raises(InvalidResourceId):
        group_of(f"/subscriptions/{SUBSCRIPTION}/providers/Microsoft.X/y/z")
