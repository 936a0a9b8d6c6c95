"""Which policy a cluster's tags select."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from shared.catalog.model import Catalog, Policy

NONE = "none"
"""The tag value that excludes a cluster in every mode."""

EXTERNAL = "external"
"""The tag value of a cluster that others protect: it is watched, and nothing is made for it."""

RESERVED = {NONE: "no backup", EXTERNAL: "protected by others"}
"""Values that no policy can be named by, and what they mean."""


class Selection(StrEnum):
    """What the tags say."""

    POLICY = "policy"
    NOT_SELECTED = "not-selected"
    EXCLUDED = "excluded"
    EXTERNAL = "external"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Selected:
    """The tags' answer: with POLICY, `name` and `policy` are set; with UNKNOWN, `name` is what the tag says."""

    selection: Selection
    name: str = ""
    policy: Policy | None = None


def tag_value(tags: Mapping[str, str] | None, tag: str) -> str | None:
    """The value of a tag, or None; names of tags have no case in Azure."""
    return next((value for name, value in (tags or {}).items() if name.casefold() == tag.casefold()), None)


def select(tags: Mapping[str, str] | None, catalog: Catalog, tag: str, default_policy: str | None) -> Selected:
    """Read the tag. The value's case and outer blanks don't matter.

    Args:
        tags: the cluster's tags, None when it has none.
        catalog: where policies are looked up.
        tag: name of the tag.
        default_policy: policy of an untagged cluster; None in mode opt-in.
    """
    value = tag_value(tags, tag)
    name = default_policy or "" if value is None else value.strip().casefold()
    if value is None and not name:
        return Selected(Selection.NOT_SELECTED)
    if name == NONE:
        return Selected(Selection.EXCLUDED)
    if name == EXTERNAL:
        return Selected(Selection.EXTERNAL)
    policy = catalog.policies.get(name)
    if policy is None:
        return Selected(Selection.UNKNOWN, name if value is None else value)
    return Selected(Selection.POLICY, name, policy)
