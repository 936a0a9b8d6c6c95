from typing import Any

import pytest

from local.azure.event_grid import filters

EVENT: dict[str, Any] = {
    "topic": "/subscriptions/s",
    "subject": "/subscriptions/s/resourceGroups/RG/providers/Microsoft.ContainerService/managedClusters/c1",
    "eventType": "Microsoft.Resources.ResourceWriteSuccess",
    "id": "1",
    "data": {
        "operationName": "Microsoft.ContainerService/managedClusters/write",
        "count": 5,
        "flag": True,
        "none": None,
    },
}


def advanced(operator: str, key: str = "data.operationName", **value: Any) -> dict[str, Any]:
    """A filter with one advanced filter."""
    return {"advancedFilters": [{"operatorType": operator, "key": key, **value}]}


@pytest.mark.parametrize(
    ("chosen", "wanted"),
    [
        ({}, True),
        ({"includedEventTypes": None}, True),
        ({"includedEventTypes": ["All"]}, True),
        ({"includedEventTypes": ["microsoft.resources.resourcewritesuccess"]}, True),
        ({"includedEventTypes": ["Microsoft.Resources.ResourceDeleteSuccess"]}, False),
        ({"subjectBeginsWith": "/SUBSCRIPTIONS/s/resourcegroups/rg"}, True),
        ({"subjectBeginsWith": "/SUBSCRIPTIONS/s", "isSubjectCaseSensitive": True}, False),
        ({"subjectEndsWith": "/managedclusters/C1"}, True),
        ({"subjectEndsWith": "/managedClusters/c2"}, False),
        (advanced("StringIn", values=["x", "microsoft.containerservice/managedclusters/WRITE"]), True),
        (advanced("StringIn", values=["Microsoft.ContainerService/managedClusters"]), False),
        (advanced("StringNotIn", values=["x"]), True),
        (advanced("StringContains", values=["managedclusters"]), True),
        (advanced("StringNotContains", values=["managedclusters"]), False),
        (advanced("StringBeginsWith", values=["microsoft.containerservice/"]), True),
        (advanced("StringNotBeginsWith", values=["microsoft.storage/"]), True),
        (advanced("StringEndsWith", values=["/delete", "/write"]), True),
        (advanced("StringNotEndsWith", values=["/write"]), False),
        (advanced("StringIn", "DATA.OPERATIONNAME", values=[EVENT["data"]["operationName"]]), True),
        (advanced("StringIn", "data.absent", values=["x"]), False),
        (advanced("StringNotIn", "data.absent", values=["x"]), True),
        (advanced("NumberIn", "data.count", values=[4, 5]), True),
        (advanced("NumberNotIn", "data.count", values=[5]), False),
        (advanced("NumberLessThan", "data.count", value=5), False),
        (advanced("NumberLessThanOrEquals", "data.count", value=5), True),
        (advanced("NumberGreaterThan", "data.count", value=4), True),
        (advanced("NumberGreaterThanOrEquals", "data.count", value=6), False),
        (advanced("BoolEquals", "data.flag", value=True), True),
        (advanced("BoolEquals", "data.flag", value=False), False),
        (advanced("IsNullOrUndefined", "data.none"), True),
        (advanced("IsNullOrUndefined", "data.absent"), True),
        (advanced("IsNotNull", "data.flag"), True),
        (advanced("IsNotNull", "data.none"), False),
    ],
)
def test_what_a_filter_wants(chosen: dict[str, Any], wanted: bool) -> None:
    """Types, subjects and advanced filters are compared as Event Grid documents it."""
    assert filters.refusal(chosen) is None
    assert filters.wants(chosen, EVENT) is wanted


def test_all_advanced_filters_have_to_fit() -> None:
    """Several advanced filters are combined with and."""
    fits = {"operatorType": "StringContains", "key": "subject", "values": ["c1"]}
    fails = {"operatorType": "StringContains", "key": "subject", "values": ["c2"]}
    assert filters.wants({"advancedFilters": [fits, fits]}, EVENT) is True
    assert filters.wants({"advancedFilters": [fits, fails]}, EVENT) is False


@pytest.mark.parametrize(
    "chosen",
    [
        advanced("StringIsLike", values=["x"]),
        advanced("StringIn"),
        advanced("NumberLessThan", "data.count", values=[5]),
        advanced("StringIn", "", values=["x"]),
        {"advancedFilters": [{"operatorType": "IsNotNull", "key": "subject"}] * 26},
    ],
)
def test_filters_that_are_refused(chosen: dict[str, Any]) -> None:
    """Unknown operators, missing keys or values, and too many filters are a 400."""
    refusal = filters.refusal(chosen)
    assert refusal is not None
    assert refusal.status == 400
