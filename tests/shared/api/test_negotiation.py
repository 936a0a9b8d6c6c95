"""Which form an answer has."""

import pytest

from shared.api.negotiation import JSON, MARKDOWN, TEXT, choose
from shared.api.problems import Problem

ALL = (JSON, TEXT, MARKDOWN)


@pytest.mark.parametrize(
    ("accept", "chosen"),
    [
        (None, JSON),
        ("", JSON),
        ("*/*", JSON),
        ("application/*", JSON),
        ("text/plain", TEXT),
        ("TEXT/Plain", TEXT),
        ("text/plain; charset=utf-8", TEXT),
        ("text/*", TEXT),
        ("text/markdown", MARKDOWN),
        ("text/html, text/markdown;q=0.5", MARKDOWN),
        ("text/plain;q=0.5, text/markdown", MARKDOWN),
        ("text/plain;q=0.5, text/markdown;q=0.6, application/json;q=0.7", JSON),
        ("text/*;q=0.9, text/plain;q=0.1, */*;q=0.2", MARKDOWN),
        ("application/json;q=0, */*", TEXT),
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", JSON),
        ("text/plain;q=1.0000, text/markdown", MARKDOWN),
        ("nonsense, text/markdown", MARKDOWN),
        (",,text/plain", TEXT),
    ],
)
def test_the_closest_range_decides_and_the_highest_weight_wins(accept: str | None, chosen: str) -> None:
    """As RFC 9110 has it; between equals, JSON first; what can't be read says nothing."""
    assert choose(accept, ALL) == chosen


@pytest.mark.parametrize("accept", ["text/html", "application/json;q=0", "*/*;q=0", "nonsense", "text/plain"])
def test_what_cannot_be_made_is_refused(accept: str) -> None:
    """406, with what can be made."""
    with pytest.raises(Problem) as caught:
        choose(accept, (JSON,))
    assert (caught.value.status, caught.value.reason) == (406, "NotAcceptable")
    assert JSON in caught.value.detail
