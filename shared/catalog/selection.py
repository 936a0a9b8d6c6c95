"""Which policy a cluster's tags select."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from shared.catalog.model import Catalog, Policy

NONE = "none"
"""The tag value that excludes a cluster in every mode."""


class Selection(StrEnum):
    """What the tags say."""

    POLICY = "policy"
    NOT_SELECTED = "not-selected"
    EXCLUDED = "excluded"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Selected:
    """The tags' answer: with POLICY, `name` and `policy` are set; with UNKNOWN, `name` is what the tag says."""

    selection: Selection
    name: str = ""
    policy: Policy | None = None


def select(tags: Mapping[str, str] | None, catalog: Catalog, tag: str, default_policy: str | None) -> Selected:
    """Read the tag. Names of tags have no case in Azure; the value's case and outer blanks don't matter here either.

    Args:
        tags: the cluster's tags, None when it has none.
        catalog: where policies are looked up.
        tag: name of the tag.
        default_policy: policy of an untagged cluster; None in mode opt-in.
    """
    values = [value for name, value in (tags or {}).items() if name.casefold() == tag.casefold()]
    name = values[0].strip().casefold() if values else (default_policy or "")
    if not values and not name:
        return Selected(Selection.NOT_SELECTED)
    if name == NONE:
        return Selected(Selection.EXCLUDED)
    policy = catalog.policies.get(name)
    if policy is None:
        return Selected(Selection.UNKNOWN, values[0] if values else name)
    return Selected(Selection.POLICY, name, policy)
