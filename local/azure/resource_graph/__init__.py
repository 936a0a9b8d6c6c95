"""Microsoft.ResourceGraph: queries over everything that there is, in a documented part of KQL.

A query needs no role of its own: it finds what the caller may read. It counts against the quota of queries, not against
Resource Manager's budgets (the recorded answers have no header of these).
"""

from local.azure.exchange import Call, Reply
from local.azure.resource_graph import service
from local.azure.routing import Provider, ResourceType, Route


def _query(call: Call) -> Reply:
    return service.of(call.cloud).answer(call)


PROVIDER = Provider(
    "Microsoft.ResourceGraph",
    (Route("POST", "resources", _query, action="", registered=False, metered=False),),
    ("2018-09-01-preview", "2026-12-31"),
    (ResourceType("resources", ("2024-04-01", "2022-10-01", "2021-03-01")),),
    attach=service.attach,
)
