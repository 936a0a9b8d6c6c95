"""Resource Graph over HTTP: what it finds, for whom, in which pages, how often, and how late."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.local_azure import backup
from tests.local_azure.client import OTHER_SUBSCRIPTION, SUBSCRIPTION
from tests.local_azure.ondemand import asked

if TYPE_CHECKING:
    from pathlib import Path

    from tests.local_azure.client import Answer, Client
    from tests.local_azure.conftest import Start

GROUP = f"{SUBSCRIPTION}/resourceGroups/Clusters"
CLUSTERS = f"{GROUP}/providers/Microsoft.ContainerService/managedClusters"
JOBS = f"{backup.VAULT}/backupJobs"
IDS = [path.rsplit("/", 1)[-1] for path in (SUBSCRIPTION, OTHER_SUBSCRIPTION)]
WINDOW = 6.0


async def ask(azure: Client, query: str, *, caller: str = "owner", options: Any = None, **body: Any) -> Answer:
    """Send a query about both subscriptions, in a window of its own."""
    azure.cloud.clock.advance(WINDOW)
    return await send(azure, {"subscriptions": IDS, "query": query, "options": options or {}, **body}, caller=caller)


async def send(azure: Client, body: Any, *, caller: str = "owner") -> Answer:
    """Send a request as it is."""
    path = "/providers/Microsoft.ResourceGraph/resources"
    return await azure.arm("POST", path, body, caller=caller, version="2021-03-01")


async def rows(azure: Client, query: str, *, caller: str = "owner") -> list[dict[str, Any]]:
    """Rows of a query that is answered whole."""
    answer = await ask(azure, query, caller=caller)
    assert answer.status == 200, answer.body
    assert answer.body["resultTruncated"] == "false"
    assert "$skipToken" not in answer.body
    found: list[dict[str, Any]] = answer.body["data"]
    return found


def seed_clusters(azure: Client, many: int, subscription: str = SUBSCRIPTION, group: str = "Clusters") -> None:
    """Put clusters."""
    for number in range(many):
        path = f"{subscription}/resourceGroups/{group}/providers/Microsoft.ContainerService/managedClusters/c{number}"
        azure.cloud.seed(path, {"location": "westeurope", "properties": {"number": number}})


def seed_job(azure: Client, name: str, **properties: Any) -> str:
    """Put a job in ARM's form."""
    path = f"{JOBS}/{name}"
    azure.cloud.seed(path, {"properties": {"status": "Completed", "duration": "PT3M4.5029547S", **properties}})
    return path


async def test_a_resource_is_found_as_it_is(azure: Client) -> None:
    """A row has every column, its type and group in lower case, its id as stored; nothing is null text."""
    await azure.group("Clusters")
    body = {"location": "westeurope", "sku": {"name": "Standard_LRS"}, "kind": "StorageV2", "tags": {"A": "b"}}
    path = f"{GROUP}/providers/Microsoft.Storage/storageAccounts/acc1"
    assert (await azure.arm("PUT", path, body)).status == 202
    azure.cloud.clock.advance(60)
    (row,) = await rows(azure, "Resources | where type == 'microsoft.storage/storageaccounts'")
    assert " ".join(row) == (
        "id name type tenantId kind location resourceGroup subscriptionId managedBy sku plan properties tags identity"
        " zones extendedLocation"
    )
    shown = (await azure.arm("GET", path)).body
    assert row["properties"] == shown["properties"]
    assert (row["id"], row["name"], row["resourceGroup"], row["kind"]) == (path, "acc1", "clusters", "StorageV2")
    assert (row["tags"], row["sku"], row["plan"], row["managedBy"]) == ({"A": "b"}, shown["sku"], None, "")
    assert (row["subscriptionId"], row["tenantId"]) == (IDS[0], azure.cloud.options.tenant)


async def test_a_protected_cluster_is_in_three_tables(azure: Client) -> None:
    """Cluster and vault are resources; instance, policy and job belong to recovery services, the extension to none."""
    await backup.protected(azure)
    await azure.arm("POST", f"{backup.INSTANCE}/backup", asked())
    azure.cloud.clock.advance(300)
    types = "summarize n = count() by type | order by type asc"
    found = {row["type"] for row in await rows(azure, f"Resources | {types}")}
    assert {"microsoft.containerservice/managedclusters", "microsoft.dataprotection/backupvaults"} <= found
    assert not {kind for kind in found if kind.count("/") > 1 or "authorization" in kind}
    vault = "microsoft.dataprotection/backupvaults"
    kinds = [row["type"] for row in await rows(azure, f"RecoveryServicesResources | {types}")]
    assert kinds == [f"{vault}/backupinstances", f"{vault}/backupjobs", f"{vault}/backuppolicies"]
    (extension,) = await rows(azure, "kubernetesconfigurationresources | project id")
    assert extension["id"] == backup.EXTENSION
    containers = [row["type"] for row in await rows(azure, f"ResourceContainers | {types}")]
    assert containers == ["microsoft.resources/subscriptions", "microsoft.resources/subscriptions/resourcegroups"]
    granted = "AuthorizationResources | where properties.principalId =~ '{}' | project properties.roleDefinitionId"
    (role,) = await rows(azure, granted.format(backup.EXTENSION_IDENTITY))
    assert role["properties_roleDefinitionId"].endswith(backup.BLOB_CONTRIBUTOR)
    named = "AuthorizationResources | where type =~ 'microsoft.authorization/roledefinitions' and name == "
    (definition,) = await rows(azure, f"{named} '{backup.READER}' | project properties.roleName")
    assert definition == {"properties_roleName": "Reader"}


async def test_ids_of_vaults_are_spelled_with_a_capital(azure: Client) -> None:
    """As recorded, whoever made them; those below the vault aren't: compare ids without case."""
    await backup.protected(azure)
    (vault,) = await rows(azure, "Resources | where type =~ 'Microsoft.DataProtection/BackupVaults'")
    assert vault["id"] == backup.VAULT.replace("/backupVaults/", "/BackupVaults/") != backup.VAULT
    instances = "RecoveryServicesResources | where type endswith '/backupinstances' | project id, properties, location"
    (instance,) = await rows(azure, instances)
    assert (instance["id"], instance["location"]) == (backup.INSTANCE, "westeurope")
    assert instance["properties"]["currentProtectionState"] == "ProtectionConfigured"
    assert instance["properties"]["dataSourceInfo"]["resourceID"] == backup.CLUSTER
    assert instance["properties"]["protectionErrorDetails"] is None
    spans = instance["properties"]["backupInstanceExtendedProperties"]["policyExtendedInfo"]
    assert spans["configuredRPGenerationFrequency"] == "1.00:00:00"
    assert spans["rpoWarningThresholdInPrimaryRegion"] == "1.12:00:00"


async def test_a_job_is_shown_in_the_graphs_own_form(azure: Client) -> None:
    """Durations are time spans and times have seven decimals; a running job has no end."""
    task = {"taskId": 1, "at": "2024-06-26T11:00:00Z"}
    times = {"startTime": "2024-06-26T11:00:00.12Z", "endTime": "2024-06-26T11:03:05Z"}
    seed_job(azure, "j1", **times, extendedInfo={"subTasks": [task]})
    seed_job(azure, "j2", status="InProgress", duration="PT0S", startTime="2024-06-26T11:00:00.12Z", endTime=None)
    seed_job(azure, "j3", duration="1.02:03:04", endTime="2024-06-26T11:03:05Z")
    query = "RecoveryServicesResources | where type =~ 'microsoft.dataprotection/backupvaults/backupjobs'"
    one, two, three = (row["properties"] for row in await rows(azure, f"{query} | order by name asc"))
    assert one["duration"] == "00:03:04.5029547"
    assert (one["startTime"], one["endTime"]) == ("2024-06-26T11:00:00.1200000Z", "2024-06-26T11:03:05.0000000Z")
    assert one["extendedInfo"]["subTasks"] == [{"taskId": 1, "at": "2024-06-26T11:00:00.0000000Z"}]
    assert (two["duration"], two["endTime"]) == ("00:00:00", None)
    assert three["duration"] == "1.02:03:04"


async def test_a_running_job_is_seen_to_end(azure: Client) -> None:
    """Each query sees a job as it is then."""
    await backup.protected(azure)
    await azure.arm("POST", f"{backup.INSTANCE}/backup", asked())
    azure.cloud.clock.advance(30)
    query = (
        "RecoveryServicesResources | where type =~ 'microsoft.dataprotection/backupvaults/backupjobs'"
        " | project properties.status, who = properties.isUserTriggered"
    )
    assert await rows(azure, query) == [{"properties_status": "InProgress", "who": True}]
    azure.cloud.clock.advance(300)
    assert await rows(azure, query) == [{"properties_status": "Completed", "who": True}]


async def test_jobs_are_forgotten_after_two_weeks(azure: Client) -> None:
    """As documented; one that still runs isn't."""
    seed_job(azure, "old", endTime="2024-06-12T11:59:00Z")
    seed_job(azure, "young", endTime="2024-06-12T12:05:00Z")
    seed_job(azure, "running", startTime="2024-06-01T12:00:00Z", endTime=None)
    names = "RecoveryServicesResources | project name | order by name asc"
    assert [row["name"] for row in await rows(azure, names)] == ["running", "young"]
    azure.cloud.clock.advance(600)
    assert [row["name"] for row in await rows(azure, names)] == ["running"]


async def test_rows_are_only_what_the_caller_may_read(start: Start, tmp_path: Path) -> None:
    """A role without the action for a type hides its rows; a role on one group shows that group's."""
    role = tmp_path / "role.json"
    actions = [
        "Microsoft.DataProtection/backupVaults/read",
        "Microsoft.DataProtection/backupVaults/backupInstances/read",
    ]
    role.write_text(json.dumps({"roleName": "Few", "actions": actions}), encoding="utf-8")
    async with start(subscriptions=tuple(IDS), role_file=role, condition_file=tmp_path / "none") as azure:
        azure.cloud.seed(backup.VAULT, {"location": "westeurope", "properties": {}})
        azure.cloud.seed(backup.POLICY, {"properties": {}})
        azure.cloud.seed(backup.INSTANCE, {"properties": backup.instance()})
        seed_job(azure, "j1", endTime="2024-06-26T11:00:00Z")
        seed_clusters(azure, 2)
        seed_clusters(azure, 1, group="other")
        names = "Resources | project type | distinct type"
        assert [row["type"] for row in await rows(azure, names, caller="app")] == [
            "microsoft.dataprotection/backupvaults"
        ]
        below = "RecoveryServicesResources | project type | distinct type"
        assert [row["type"] for row in await rows(azure, below, caller="app")] == [
            "microsoft.dataprotection/backupvaults/backupinstances"
        ]
        assert len(await rows(azure, below)) == 3
        reader = azure.cloud.roles.get(backup.READER)
        assert reader
        azure.cloud.assign(azure.cloud.app, reader, GROUP.lower())
        clusters = "Resources | where type =~ 'microsoft.containerservice/managedclusters' | project id, name"
        found = await rows(azure, f"{clusters} | where id startswith '{GROUP}/'", caller="app")
        assert [row["name"] for row in found] == ["c0", "c1"]
        assert await rows(azure, f"{clusters} | where id has 'other'", caller="app") == []


async def test_subscriptions_without_access_are_left_out_silently(start: Start) -> None:
    """A query fails only when there is nothing that the caller may read in any of its subscriptions."""
    stranger = "00000000-0000-0000-0000-00000000dead"
    async with start(subscriptions=tuple(IDS)) as azure:
        seed_clusters(azure, 1)
        seed_clusters(azure, 1, OTHER_SUBSCRIPTION)
        mixed = await ask(azure, "project id", subscriptions=[IDS[1].upper(), stranger])
        assert [row["id"].split("/")[2] for row in mixed.body["data"]] == [IDS[1]]
        alone = await ask(azure, "project id", subscriptions=[stranger])
        assert alone.status == 400
        (detail,) = alone.body["error"]["details"]
        assert (alone.code, detail["code"]) == ("BadRequest", "NoValidSubscriptionsInQueryRequest")
        assert stranger in detail["message"]
        everything = await send(azure, {"query": "project id"})
        assert everything.body["count"] == 2
        root = await send(azure, {"query": "project id", "managementGroups": [azure.cloud.options.tenant]})
        assert root.body["count"] == 2
        elsewhere = await send(azure, {"query": "project id", "managementGroups": ["another"]})
        assert elsewhere.body["error"]["details"][0]["code"] == "NoValidSubscriptionsInQueryRequest"


async def test_pages(azure: Client) -> None:
    """A page has at most a thousand rows; its token leads to the next, until there is none."""
    seed_clusters(azure, 2500)
    query = "Resources | project name, number = properties.number | order by name asc"
    first = await ask(azure, query)
    assert (first.body["count"], first.body["totalRecords"]) == (1000, 2500)
    assert first.body["resultTruncated"] == "false"
    names = [row["name"] for row in first.body["data"]]
    token = first.body["$skipToken"]
    while token:
        page = await ask(azure, query, options={"$skipToken": token, "$skip": 0})
        assert page.body["totalRecords"] == 2500
        names += [row["name"] for row in page.body["data"]]
        token = page.body.get("$skipToken")
    assert names == sorted(f"c{number}" for number in range(2500))


async def test_the_size_of_pages_is_kept(azure: Client) -> None:
    """A token knows the size of its page; what the next request says counts more; $skip leaves rows out."""
    seed_clusters(azure, 10)
    query = "Resources | project name"
    first = await ask(azure, query, options={"$top": 3, "$skip": 1})
    assert [row["name"] for row in first.body["data"]] == ["c1", "c2", "c3"]
    second = await ask(azure, query, options={"$skipToken": first.body["$skipToken"]})
    assert [row["name"] for row in second.body["data"]] == ["c4", "c5", "c6"]
    last = await ask(azure, query, options={"$skipToken": second.body["$skipToken"], "$top": 5})
    assert [row["name"] for row in last.body["data"]] == ["c7", "c8", "c9"]
    assert "$skipToken" not in last.body


async def test_pages_are_of_one_answer(azure: Client) -> None:
    """What comes in between is in the next query's answer."""
    seed_clusters(azure, 4)
    query = "Resources | project name | order by name desc"
    first = await ask(azure, query, options={"$top": 2})
    azure.cloud.seed(f"{CLUSTERS}/c9", {"location": "westeurope", "properties": {}})
    second = await ask(azure, query, options={"$top": 2, "$skipToken": first.body["$skipToken"]})
    assert [row["name"] for page in (first, second) for row in page.body["data"]] == ["c3", "c2", "c1", "c0"]
    assert (await ask(azure, query, options={"$top": 2})).body["totalRecords"] == 5


async def test_a_late_page_is_answered_anew(azure: Client) -> None:
    """A token holds longer than the answer that it came from."""
    seed_clusters(azure, 4)
    first = await ask(azure, "project name", options={"$top": 2})
    azure.cloud.clock.advance(3600)
    second = await ask(azure, "project name", options={"$skipToken": first.body["$skipToken"]})
    assert [row["name"] for row in second.body["data"]] == ["c2", "c3"]


async def test_a_token_is_only_for_its_query_and_its_caller(azure: Client) -> None:
    """One that was made up or changed, or of another query, is refused."""
    seed_clusters(azure, 4)
    token = (await ask(azure, "project name", options={"$top": 2})).body["$skipToken"]
    raw = bytearray(base64.urlsafe_b64decode(token))
    raw[-3] ^= 1
    changed = base64.urlsafe_b64encode(raw).decode()
    refused = [
        await ask(azure, "project id", options={"$skipToken": token}),
        await ask(azure, "project name", options={"$skipToken": token}, caller="app"),
        await ask(azure, "project name", options={"$skipToken": token}, subscriptions=IDS[:1]),
        await ask(azure, "project name", options={"$skipToken": changed}),
        await ask(azure, "project name", options={"$skipToken": "next"}),
        await ask(azure, "project name", options={"$skipToken": "nächste"}),
    ]
    assert {(answer.status, answer.body["error"]["details"][0]["code"]) for answer in refused} == {
        (400, "InvalidSkipToken")
    }


@pytest.mark.parametrize("query", ["project name | limit 5", "project properties"])
async def test_some_answers_are_cut_off_without_a_token(azure: Client, query: str) -> None:
    """As documented: a query with a limit, or with dynamic columns only, isn't paged; only `resultTruncated` tells."""
    seed_clusters(azure, 6)
    answer = await ask(azure, query, options={"$top": 3})
    assert answer.body["count"] == 3
    assert answer.body["totalRecords"] > 3
    assert answer.body["resultTruncated"] == "true"
    assert "$skipToken" not in answer.body


async def test_a_table_of_values(azure: Client) -> None:
    """The other format: columns with their types, and rows of values."""
    seed_clusters(azure, 1)
    query = "project name, properties, n = strlen(name), at = datetime(2024-01-02), took = 90m, ok = true, r = 0.5"
    answer = await ask(azure, query, options={"resultFormat": "table"})
    assert answer.body["data"] == {
        "columns": [
            {"name": "name", "type": "string"},
            {"name": "properties", "type": "object"},
            {"name": "n", "type": "integer"},
            {"name": "at", "type": "datetime"},
            {"name": "took", "type": "string"},
            {"name": "ok", "type": "boolean"},
            {"name": "r", "type": "number"},
        ],
        "rows": [["c0", {"number": 0}, 2, "2024-01-02T00:00:00.0000000Z", "01:30:00", True, 0.5]],
    }


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"query": None}, "InvalidQuery"),
        ({"query": "whre x"}, "InvalidQuery"),
        ({"query": "project nme"}, "InvalidQuery"),
        ({"query": "nowhere | take 1"}, "InvalidQuery"),
        ({"query": "extend x = extract(name, 0, '(')"}, None),
        ({"query": "extend x = extract(strcat(name, '('), 0, '')"}, "InvalidQuery"),
        ({"subscriptions": ["one"]}, "SubscriptionsContainInvalidGuids"),
        ({"subscriptions": "all"}, "SubscriptionsContainInvalidGuids"),
        (
            {"subscriptions": [f"{number:08x}-0000-0000-0000-000000000000" for number in range(1001)]},
            "TooManySubscriptions",
        ),
        ({"options": {"$top": 1001}}, "InvalidPagingOptions"),
        ({"options": {"$top": 0}}, "InvalidPagingOptions"),
        ({"options": {"$top": True}}, "InvalidPagingOptions"),
        ({"options": {"$skip": -1}}, "InvalidPagingOptions"),
        ({"options": {"resultFormat": "xml"}}, "InvalidResultFormat"),
        ({"options": "all"}, "InvalidOptions"),
        ({"facets": [{"expression": "location"}]}, "InvalidFacets"),
    ],
)
async def test_wrong_requests(azure: Client, change: dict[str, Any], code: str | None) -> None:
    """Each is a 400 whose details say what is wrong, and counts against the quota."""
    seed_clusters(azure, 1)
    answer = await send(azure, {"subscriptions": IDS, "query": "project name", "options": {}, **change})
    assert answer.headers["x-ms-user-quota-remaining"] == "14"
    if code is None:
        assert answer.status == 200
        return
    assert (answer.status, answer.code) == (400, "BadRequest")
    assert answer.body["error"]["details"][0]["code"] == code
    assert "correlationId = " in answer.body["error"]["message"]


async def test_an_unknown_table_has_its_own_code(azure: Client) -> None:
    """Clients tell it from a mistake in the query."""
    details = (await ask(azure, "nowhere | take 1")).body["error"]["details"]
    assert [detail["code"] for detail in details] == ["InvalidQuery", "DisallowedLogicalTableName"]


async def test_the_quota(azure: Client) -> None:
    """15 queries in five seconds for each user, then 429 until the window ends; the headers count down."""
    body = {"subscriptions": IDS, "query": "project name"}
    azure.cloud.clock.advance(WINDOW)
    left = []
    for _ in range(15):
        answer = await send(azure, body)
        left.append(int(answer.headers["x-ms-user-quota-remaining"]))
        assert answer.headers["x-ms-ratelimit-remaining-tenant-resource-requests"] == str(left[-1])
        assert "x-ms-ratelimit-remaining-subscription-writes" not in answer.headers
    assert left == list(range(14, -1, -1))
    azure.cloud.clock.advance(2)
    refused = await send(azure, body)
    assert (refused.status, refused.code) == (429, "RateLimiting")
    assert refused.headers["x-ms-user-quota-remaining"] == "0"
    assert refused.headers["x-ms-user-quota-resets-after"] == "00:00:03"
    assert int(refused.headers["Retry-After"]) >= 1
    assert (await send(azure, body, caller="app")).status == 200
    azure.cloud.clock.advance(3)
    again = await send(azure, body)
    assert (again.status, again.headers["x-ms-user-quota-resets-after"]) == (200, "00:00:05")


async def test_a_query_is_a_read(azure: Client) -> None:
    """In the record of requests it is no write, and it causes no event."""
    await azure.control("DELETE", "/requests")
    await send(azure, {"query": "project name"})
    (entry,) = await azure.control("GET", "/requests")
    assert (entry["method"], entry["kind"], entry["status"]) == ("POST", "read", 200)
    assert (await azure.control("GET", "/events"))["events"] == []


async def test_faults_strike_queries(azure: Client) -> None:
    """As any request."""
    fault = {"match": {"path": "ResourceGraph"}, "action": "fail", "status": 503, "code": "ServiceUnavailable"}
    await azure.control("POST", "/faults", fault)
    assert (await send(azure, {"query": "project name"})).status == 503
    assert (await send(azure, {"query": "project name"})).status == 200


async def test_without_a_delay_every_change_is_seen_at_once(azure: Client) -> None:
    """Also one that nobody told of."""
    path = f"{CLUSTERS}/c0"
    seed_clusters(azure, 1)
    resource = azure.cloud.store.get(path)
    assert resource
    resource.properties["number"] = 7
    resource.body["tags"] = {"a": "b"}
    assert await rows(azure, "project number = properties.number, tags") == [{"number": 7, "tags": {"a": "b"}}]
    azure.cloud.remove(path, azure.cloud.clock.now())
    assert await rows(azure, "project name") == []


async def test_with_a_delay_the_graph_is_behind(start: Start) -> None:
    """A resource appears, changes and goes only so long after it did, whenever the query comes."""
    async with start(subscriptions=tuple(IDS), time_scale=0.001, graph_delay=120.0) as azure:
        await azure.group("Clusters")
        azure.cloud.clock.advance(200)
        account = f"{GROUP}/providers/Microsoft.Storage/storageAccounts/acc1"
        body = {"location": "westeurope", "sku": {"name": "Standard_LRS"}, "kind": "StorageV2", "tags": {"v": "1"}}
        await azure.arm("PUT", account, body)
        azure.cloud.clock.advance(60)
        query = "Resources | project name, tags.v, state = properties.provisioningState"
        assert await rows(azure, query) == []
        azure.cloud.clock.advance(60)
        assert [row["tags_v"] for row in await rows(azure, query)] == ["1"]
        await azure.arm("PATCH", account, {"tags": {"v": "2"}})
        azure.cloud.clock.advance(90)
        await azure.arm("PATCH", account, {"tags": {"v": "3"}})
        azure.cloud.clock.advance(20)
        assert [row["tags_v"] for row in await rows(azure, query)] == ["1"]
        azure.cloud.clock.advance(20)
        assert [row["tags_v"] for row in await rows(azure, query)] == ["2"]
        azure.cloud.clock.advance(90)
        assert [row["tags_v"] for row in await rows(azure, query)] == ["3"]
        await azure.arm("DELETE", account)
        azure.cloud.clock.advance(100)
        assert [row["tags_v"] for row in await rows(azure, query)] == ["3"]
        azure.cloud.clock.advance(20)
        assert await rows(azure, query) == []


async def test_a_delay_that_is_stepped_over_loses_nothing(start: Start) -> None:
    """What operations change while time is stepped is seen as long after its own moment, not after the step's end."""
    async with start(subscriptions=tuple(IDS), time_scale=0.001, graph_delay=120.0) as azure:
        await backup.protected(azure)
        azure.cloud.clock.advance(600)
        await azure.arm("POST", f"{backup.INSTANCE}/backup", asked())
        jobs = "RecoveryServicesResources | where type endswith '/backupjobs' | project properties.status"
        azure.cloud.clock.advance(150)
        assert [row["properties_status"] for row in await rows(azure, jobs)] == ["InProgress"]
        azure.cloud.clock.advance(400)
        assert [row["properties_status"] for row in await rows(azure, jobs)] == ["Completed"]


async def test_the_delay_can_be_changed(azure: Client) -> None:
    """Over the control endpoint; what was visible stays so, and without a delay all is."""
    seed_clusters(azure, 1)
    assert await azure.control("GET", "/graph") == {"delay": 0}
    assert await azure.control("POST", "/graph", {"delay": 300}) == {"delay": 300}
    azure.cloud.seed(f"{CLUSTERS}/late", {"location": "westeurope", "properties": {}})
    resource = azure.cloud.store.get(f"{CLUSTERS}/c0")
    assert resource
    resource.body["tags"] = {"untold": "of"}
    assert await rows(azure, "project name, tags") == [{"name": "c0", "tags": None}]
    azure.cloud.clock.advance(300)
    assert [row["name"] for row in await rows(azure, "project name")] == ["c0", "late"]
    assert (await rows(azure, "project tags"))[0] == {"tags": {"untold": "of"}}
    azure.cloud.remove(f"{CLUSTERS}/c0", azure.cloud.clock.now())
    assert len(await rows(azure, "project name")) == 2
    await azure.control("POST", "/graph", {"delay": 0})
    assert [row["name"] for row in await rows(azure, "project name")] == ["late"]
    assert "error" in await azure.control("POST", "/graph", {"delay": -1})
    assert "error" in await azure.control("POST", "/graph", [1])
