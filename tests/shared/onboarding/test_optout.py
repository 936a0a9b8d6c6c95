"""What a second tag says about `none`."""

from datetime import UTC, datetime

import pytest

from shared.onboarding.optout import read_note, without_expired


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (None, ""),
        ("", ""),
        ("moved away", "moved away"),
        ("moved away; until=2026-12-31", "moved away, until 2026-12-31"),
        ("UNTIL = 2026-12-31 ; moved; away", "moved; away, until 2026-12-31"),
        ("until=31.12.2026", "until='31.12.2026' is no day such as 2026-12-31"),
        ("until=9999-12-31", "until='9999-12-31' is no day such as 2026-12-31"),
        ("x" * 300, "x" * 200),
    ],
)
def test_a_note_is_a_reason_and_a_day(text: str | None, shown: str) -> None:
    """In any order; what can't be read is said."""
    assert str(read_note(text)) == shown


@pytest.mark.parametrize(
    ("tags", "counts"),
    [
        ({"aks-backup": "none"}, True),
        ({"aks-backup": "none", "aks-backup-note": "until=2026-03-01"}, False),
        ({"AKS-Backup": " None ", "aks-backup-NOTE": "until=2026-03-01"}, False),
        ({"aks-backup": "none", "aks-backup-note": "until=2026-03-02"}, True),
        ({"aks-backup": "none", "aks-backup-note": "until=tomorrow"}, True),
        ({"aks-backup": "gold", "aks-backup-note": "until=2026-03-01"}, True),
    ],
)
def test_an_exclusion_whose_day_is_over_is_none(tags: dict[str, str], counts: bool) -> None:
    """The day itself still counts; a policy's tag has no end."""
    now = datetime(2026, 3, 2, 12, tzinfo=UTC).timestamp()
    left = without_expired(tags, "aks-backup", now)
    assert (left == tags) is counts
    assert counts or not any(name.casefold() == "aks-backup" for name in left)
