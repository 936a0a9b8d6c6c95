"""How the command line says things: durations in words, lists, and tables of aligned text."""

from collections.abc import Collection, Iterable, Sequence

_UNITS = {"D": "day", "W": "week", "M": "month", "Y": "year", "TM": "minute", "TH": "hour"}


def spoken(duration: str) -> str:
    """An ISO 8601 duration of one part in words: PT4H is `4 hours`, P1D is `1 day`."""
    part = duration.removeprefix("P")
    unit = _UNITS["T" + part[-1]] if part.startswith("T") else _UNITS[part[-1]]
    return counted(int(part.lstrip("T")[:-1]), unit)


def every(duration: str) -> str:
    """How often: P1D is `every day`, PT4H `every 4 hours`."""
    return f"every {spoken(duration).removeprefix('1 ')}"


def counted(number: int, noun: str) -> str:
    """A number and its noun: `1 cluster`, `2 clusters`."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def spoken_minutes(total: int) -> str:
    """A number of minutes in words: 360 is `6 hours`, 150 is `2 hours 30 minutes`."""
    hours, rest = divmod(total, 60)
    parts = [counted(hours, "hour")] if hours else []
    return " ".join([*parts, counted(rest, "minute")] if rest or not parts else parts)


def listed(items: Iterable[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    *head, last = tuple(items) or ("nothing",)
    return f"{', '.join(head)} and {last}" if head else last


def table(rows: Sequence[Sequence[str]], *, right: Collection[int] = ()) -> list[str]:
    """Rows as lines of aligned columns, two blanks apart.

    Args:
        rows: cells; all rows have as many.
        right: indices of the columns that are aligned at their right, for numbers.
    """
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = []
    for row in rows:
        cells = (
            cell.rjust(width) if index in right else cell.ljust(width)
            for index, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        lines.append("  ".join(cells).rstrip())
    return lines
