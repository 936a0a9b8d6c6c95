"""What all values of the catalog have in common."""

from msgspec import Struct


class CatalogValue(Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """Immutable, camelCase in the file, no unknown fields."""
