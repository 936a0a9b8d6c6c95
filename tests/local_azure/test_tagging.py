from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.local_azure.backup import GROUP, VAULT, vault
from tests.local_azure.client import SUBSCRIPTION

if TYPE_CHECKING:
    from tests.local_azure.client import Client

_REFUSED = {
    "too many": ({f"t{number}": "" for number in range(51)}, "TooManyTags"),
    "one name in two cases": ({"Team": "a", "team": "b"}, "AmbiguousTagNames"),
    "a long name": ({"n" * 513: ""}, "InvalidTagNameLength"),
    "no name": ({"": "x"}, "InvalidTagNameLength"),
    "a long value": ({"a": "v" * 257}, "InvalidTagValueLength"),
    "a slash": ({"a/b": ""}, "InvalidTagNameCharacters"),
    "a line break": ({"a\n": ""}, "InvalidTagNameCharacters"),
    "a reserved beginning": ({"Microsoft.X": ""}, "ReservedTagName"),
}


@pytest.mark.parametrize("what", sorted(_REFUSED))
async def test_tags_that_no_resource_can_have_are_refused(azure: Client, what: str) -> None:
    """By a PUT of a group or a vault and by the tags API alike."""
    tags, code = _REFUSED[what]
    await azure.group("backup")
    assert (await azure.arm("PUT", GROUP, {"location": "westeurope", "tags": tags})).code == code
    assert (await azure.arm("PUT", VAULT, {**vault(), "tags": tags})).code == code
    by_api = f"{GROUP}/providers/Microsoft.Resources/tags/default"
    answer = await azure.arm("PUT", by_api, {"properties": {"tags": tags}})
    assert (answer.status, answer.code) == (400, code)


async def test_the_longest_tags_are_kept(azure: Client) -> None:
    """50 tags, a name of 512 characters, a value of 256."""
    tags = {f"t{number}": "" for number in range(49)} | {"n" * 512: "v" * 256}
    made = await azure.arm("PUT", f"{SUBSCRIPTION}/resourceGroups/tagged", {"location": "westeurope", "tags": tags})
    assert (made.status, made.body["tags"]) == (201, tags)


@pytest.mark.parametrize(("length", "status"), [(128, 202), (129, 400)])
async def test_storage_accounts_take_shorter_names_of_tags(azure: Client, length: int, status: int) -> None:
    """128 characters."""
    await azure.group("backup")
    account = f"{GROUP}/providers/Microsoft.Storage/storageAccounts/account1"
    body = {"location": "westeurope", "kind": "StorageV2", "sku": {"name": "Standard_LRS"}, "tags": {"n" * length: ""}}
    assert (await azure.arm("PUT", account, body)).status == status
