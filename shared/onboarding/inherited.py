"""Whose tag counts for a cluster that has none itself."""

from __future__ import annotations

from collections.abc import Mapping

from shared.arm.door import Door
from shared.arm.ids import ClusterId, group_id
from shared.catalog.selection import tag_value
from shared.onboarding.readings import GROUPS_API
from shared.settings import Inherit, Settings

_SUBSCRIPTIONS_API = "2022-12-01"


async def inherited(
    door: Door, cluster: ClusterId, own: Mapping[str, str] | None, settings: Settings
) -> dict[str, str]:
    """The tag of the resource group, or then of the subscription; {} when the cluster has one itself.

    Raises:
        ArmError: Azure didn't tell.
    """
    level = settings.inherit
    places: list[tuple[str, str]] = []
    if level is not Inherit.NONE:
        places.append((group_id(cluster.subscription, cluster.group), GROUPS_API))
    if level is Inherit.SUBSCRIPTION:
        places.append((f"/subscriptions/{cluster.subscription}", _SUBSCRIPTIONS_API))
    tags: Mapping[str, str] = own or {}
    for path, api_version in places:
        if tag_value(tags, settings.tag) is not None:
            break
        tags = (await door.get(path, api_version)).get("tags") or {}
    value = None if tags is own else tag_value(tags, settings.tag)
    return {} if value is None else {settings.tag: value}
