import copy
from typing import Any

import pytest

from tests.wire.comparison import COLLAPSED, Answer, differences, url_form, value_form

OPERATION = (
    "https://management.azure.com/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg/providers"
    "/Microsoft.DataProtection/backupVaults/v/operationStatus"
    "/MDAwMDAwMTEtMDAwMC00MDAwLTgwMDAtMDAwMDAwMDAwMDExOzAwMDAwMDEyLTAwMDAtNDAwMC04MDAwLTAwMDAwMDAwMDAxMg=="
    "?api-version=2024-04-01"
)
OTHER_OPERATION = OPERATION.replace("MDAwMDAwMTEt", "ZmZmZmZmZmYt").replace("version=2024-04-01", "version=2025-07-01")

RECORDED = Answer(
    201,
    {
        "azure-asyncoperation": OPERATION,
        "content-type": "application/json; charset=utf-8",
        "x-ms-ratelimit-remaining-subscription-writes": "1199",
    },
    {
        "id": "/subscriptions/00000000-0000-0000-0000-000000000000/resourcegroups/rg/providers/A.B/things/one",
        "status": "Inprogress",
        "endTime": "0001-01-01T00:00:00Z",
        "startTime": "2024-06-26T10:01:07.4969969Z",
        "properties": {
            "principalId": "00000013-0000-4000-8000-000000000013",
            "days": 14.0,
            "version": None,
            "enabled": True,
            "rules": [{"name": "Default", "kubernetesVersion": "1.27.7"}],
            "empty": [],
        },
    },
)


def served(**changes: Any) -> Answer:
    """The recorded answer with other top-level fields."""
    return Answer(RECORDED.status, dict(RECORDED.headers), copy.deepcopy(RECORDED.body) | changes)


def with_properties(**changes: Any) -> Answer:
    """The recorded answer with other fields in `properties`."""
    return served(properties=RECORDED.body["properties"] | changes)


def with_headers(**changes: str) -> Answer:
    """The recorded answer with other headers."""
    return Answer(
        RECORDED.status, dict(RECORDED.headers) | {k.replace("_", "-"): v for k, v in changes.items()}, RECORDED.body
    )


def test_an_answer_equals_itself() -> None:
    """A served answer that is the recorded one has no differences."""
    assert differences(RECORDED, served()) == []


def test_what_azure_makes_up_may_differ() -> None:
    """Ids, times, versions, operation ids and remaining budgets of the same form agree."""
    other = Answer(
        201,
        {
            "azure-asyncoperation": OTHER_OPERATION,
            "content-type": "application/json; charset=utf-8",
            "x-ms-ratelimit-remaining-subscription-writes": "3",
            "x-ms-request-id": "one that the capture lost",
        },
        {
            "id": "/subscriptions/11111111-2222-3333-4444-555555555555/resourcegroups/rg/providers/A.B/things/one",
            "status": "Inprogress",
            "endTime": "0001-01-01T00:00:00Z",
            "startTime": "2026-01-02T03:04:05.0000001Z",
            "properties": RECORDED.body["properties"]
            | {
                "principalId": "99999999-0000-4000-8000-000000000013",
                "rules": [{"name": "Default", "kubernetesVersion": "1.31.12"}],
            },
        },
    )
    assert differences(RECORDED, other) == []


@pytest.mark.parametrize(
    ("answer", "difference"),
    [
        pytest.param(Answer(200, RECORDED.headers, RECORDED.body), "status: recorded 201, served 200", id="status"),
        pytest.param(with_properties(days=14), "$.properties.days: recorded float", id="integer for float"),
        pytest.param(with_properties(version="1"), "$.properties.version: recorded null", id="string for null"),
        pytest.param(
            with_properties(enabled="true"), "$.properties.enabled: recorded boolean", id="string for boolean"
        ),
        pytest.param(with_properties(enabled=False), "$.properties.enabled: recorded True", id="another value"),
        pytest.param(with_properties(extra=1), "$.properties.extra: not recorded", id="a field too many"),
        pytest.param(with_properties(rules=[]), "$.properties.rules: recorded 1 items", id="an item missing"),
        pytest.param(with_properties(empty=[1]), "$.properties.empty: recorded 0 items", id="an item too many"),
        pytest.param(with_properties(rules={}), "$.properties.rules: recorded array", id="object for array"),
        pytest.param(
            with_properties(rules=[{"name": "Default", "kubernetesVersion": "1.27"}]),
            "$.properties.rules[0].kubernetesVersion: recorded '#.#.#'",
            id="a version with fewer parts",
        ),
        pytest.param(
            with_properties(principalId="someone"),
            "$.properties.principalId: recorded '{guid}'",
            id="no GUID",
        ),
        pytest.param(
            served(status="InProgress"), "$.status: recorded 'Inprogress', served 'InProgress'", id="spelling"
        ),
        pytest.param(served(endTime=None), "$.endTime: recorded string", id="null for the zero date"),
        pytest.param(
            served(endTime="2024-06-26T10:01:07Z"),
            "$.endTime: recorded '0001-01-01T00:00:00Z'",
            id="a time for the zero date",
        ),
        pytest.param(
            served(startTime="2024-06-26T10:01:07Z"),
            "$.startTime: recorded '{time.7Z}'",
            id="other decimals of a time",
        ),
        pytest.param(
            served(id=RECORDED.body["id"].replace("resourcegroups", "resourceGroups")),
            "$.id: recorded '/subscriptions/{guid}/resourcegroups/rg",
            id="casing inside an id",
        ),
        pytest.param(Answer(201, RECORDED.headers, None), "$: recorded object", id="no body"),
        pytest.param(
            with_headers(content_type="application/json"),
            "header content-type: recorded",
            id="another content type",
        ),
        pytest.param(
            with_headers(azure_asyncoperation=OPERATION.replace("operationStatus", "operationResults")),
            "header azure-asyncoperation: recorded",
            id="another path form of an operation",
        ),
        pytest.param(
            with_headers(azure_asyncoperation=OPERATION.replace("management.azure.com", "localhost:8443")),
            "header azure-asyncoperation: recorded",
            id="another host of an operation",
        ),
        pytest.param(
            with_headers(azure_asyncoperation=OPERATION + "&monitor=true"),
            "header azure-asyncoperation: recorded",
            id="a query parameter too many",
        ),
        pytest.param(
            with_headers(x_ms_ratelimit_remaining_subscription_writes="many"),
            "header x-ms-ratelimit-remaining-subscription-writes: recorded '#'",
            id="a budget that is no number",
        ),
    ],
)
def test_a_difference_is_found(answer: Answer, difference: str) -> None:
    """Each kind of deviation is reported, once, with the place where it is."""
    found = differences(RECORDED, answer)
    assert len(found) == 1
    assert found[0].startswith(difference)


@pytest.mark.parametrize("field", ["id", "status", "endTime", "startTime", "properties"])
def test_a_missing_field_is_found(field: str) -> None:
    """Every recorded field of the body is needed."""
    body = {name: value for name, value in RECORDED.body.items() if name != field}
    found = differences(RECORDED, Answer(201, RECORDED.headers, body))
    assert [line.split(":")[0] for line in found] == [f"$.{field}"]


@pytest.mark.parametrize("header", sorted(RECORDED.headers))
def test_a_missing_header_is_found(header: str) -> None:
    """Every recorded header is needed."""
    headers = {name: value for name, value in RECORDED.headers.items() if name != header}
    assert differences(RECORDED, Answer(201, headers, RECORDED.body)) == [
        f"header {header}: recorded {RECORDED.headers[header]!r}, not served",
    ]


def test_a_collapsed_id_is_any_text() -> None:
    """Where the capture lost the value, a text is asked for, and not an empty one."""
    recorded = Answer(200, {}, {"clientId": COLLAPSED})
    assert differences(recorded, Answer(200, {}, {"clientId": "msi"})) == []
    assert len(differences(recorded, Answer(200, {}, {"clientId": ""}))) == 1
    assert len(differences(recorded, Answer(200, {}, {"clientId": None}))) == 1
    assert len(differences(recorded, Answer(200, {}, {}))) == 1


def test_catalogs_compare_the_shape_of_their_items() -> None:
    """A catalog list may have other items, but none with a missing, added or differently typed field."""
    recorded = Answer(
        200, {}, {"resourceTypes": [{"name": "a", "capabilities": "None"}, {"name": "b", "default": "x"}]}
    )

    def found(*items: Any) -> list[str]:
        return differences(recorded, Answer(200, {}, {"resourceTypes": list(items)}))

    assert found({"name": "c"}, {"name": "d", "default": "y"}, {"name": "e", "capabilities": "All"}) == []
    assert found({"capabilities": "None"}) == ["$.resourceTypes[0].name: string: recorded in every item, not served"]
    assert found({"name": "c", "default": 1}) == ["$.resourceTypes[0].default: integer: not recorded in any item"]
    assert found() == ["$.resourceTypes: recorded 2 items, served 0"]


def test_plain_text_is_compared() -> None:
    """A body that isn't JSON is compared as it is."""
    assert differences(Answer(502, {}, "Forbidden\n"), Answer(502, {}, "Forbidden\n")) == []
    assert differences(Answer(502, {}, "Forbidden\n"), Answer(502, {}, "Denied\n")) == [
        "$: recorded 'Forbidden\\n', served 'Denied\\n'",
    ]


def test_only_times_of_jobs_and_operations_may_have_fewer_decimals() -> None:
    """They lose the zeros at their end; a time of something else, or whole seconds, is another form."""

    def found(recorded: dict[str, Any], served: dict[str, Any]) -> list[str]:
        return differences(Answer(200, {}, recorded), Answer(200, {}, served))

    six, seven = "2024-06-26T07:53:06.923841Z", "2024-06-26T07:56:11.4267957Z"
    assert found({"properties": {"startTime": six}}, {"properties": {"startTime": seven}}) == []
    listed = [{"value": [{"properties": {"endTime": text}}]} for text in (six, seven)]
    assert found(listed[0], listed[1]) == []
    assert found({"properties": {"startTime": six}}, {"properties": {"startTime": "2024-06-26T07:56:11Z"}}) != []
    assert found({"properties": {"recoveryPointTime": six}}, {"properties": {"recoveryPointTime": seven}}) != []
    assert found({"startTime": six}, {"startTime": seven}) == []
    assert found({"endTime": "2024-06-26T07:56:11Z"}, {"endTime": seven}) != []
    assert found({"rules": [{"startTime": six}]}, {"rules": [{"startTime": seven}]}) != []


def test_an_operation_url_keeps_its_form() -> None:
    """Ids, the version's value and signature parameters go, everything else stays."""
    assert url_form(OPERATION + "&t=1&c=2&s=3&h=4") == (
        "https://management.azure.com/subscriptions/{guid}/resourceGroups/rg/providers"
        "/Microsoft.DataProtection/backupVaults/v/operationStatus/{operation}?api-version={version}"
    )


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("Principal 00000119000040008000000000000119 does", "Principal {guid without dashes} does"),
        ("2024-05-10T04:17:34.0746394+00:00", "{time.7+00:00}"),
        ("c-000000-xoev7tmh.portal.hcp.westus2.azmk8s.io", "c-000000-{hash}.portal.hcp.westus2.azmk8s.io"),
        (
            "Microsoft.DataProtection/backupVaults/backupInstances",
            "Microsoft.DataProtection/backupVaults/backupInstances",
        ),
        ("expiry UTC time '8/17/2020 3:46:33 AM'", "expiry UTC time '{date}'"),
        ("expiry UTC time '08/17/2020 03:46:33 AM'", "expiry UTC time '08/17/2020 03:46:33 AM'"),
        ("The client 'someone' with object id", "The client '{caller}' with object id"),
        ("https://a.z13.web.core.windows.net/", "https://a.z{zone}.web.core.windows.net/"),
        ("PT3M4.5029547S", "{duration}"),
        ("PT0S", "PT0S"),
        ("PT4H", "PT4H"),
        ("00:03:12.7189058", "{time span}"),
        ("00:00:00", "00:00:00"),
        ("638549851148186422", "{ticks}"),
        ("W/\"datetime'2024-06-26T07%3A56%3A11.6072322Z'\"", "W/\"datetime'{encoded time}'\""),
    ],
)
def test_forms_of_values(text: str, form: str) -> None:
    """Only what Azure makes up is masked; constants stay as they are."""
    assert value_form(text) == form


def test_an_etag_in_a_row_may_have_fewer_decimals_and_its_times_may_not() -> None:
    """Resource Graph keeps ARM's text of an etag, and writes times with all their decimals."""
    etags = [f"W/\"datetime'2024-04-26T12%3A03%3A21.{decimals}Z'\"" for decimals in ("838557", "8385571")]
    one, other = ({"data": [{"properties": {"etag": etag}}]} for etag in etags)
    assert not differences(Answer(200, {}, one), Answer(200, {}, other))
    times = ("2024-04-26T12:03:21.838557Z", "2024-04-26T12:03:21.8385570Z")
    one, other = ({"data": [{"properties": {"endTime": time}}]} for time in times)
    assert differences(Answer(200, {}, one), Answer(200, {}, other))
