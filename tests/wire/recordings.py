"""The recorded interactions, read from the folder named by WIRE_DIR (default: ../shared/wire beside the repository)."""

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.wire.comparison import Answer

ROOT = Path(__file__).resolve().parents[2]
FOLDER = Path(os.environ.get("WIRE_DIR") or ROOT.parent / "shared" / "wire")


@dataclass(frozen=True)
class Interaction:
    """One recorded request and its answer; `at` is in seconds since the first of its recording.

    Lists of the answer that the recording cut short are in `cuts`: name, items kept, items there were.
    """

    recording: str
    index: int
    case: str
    method: str
    path: str
    query: dict[str, str]
    request_body: Any
    answer: Answer
    at: float
    truncated: bool
    cuts: tuple[tuple[str, int, int], ...] = ()

    @property
    def label(self) -> str:
        """How messages name it: recording, index, method and the end of the path."""
        return f"{self.recording}[{self.index}] {self.method} .../{'/'.join(self.path.rsplit('/', 2)[1:])}"


def load(recording: str) -> list[Interaction]:
    """All interactions of a recording, in wire order.

    Entries within one second are spread evenly over it: `at_s` is whole seconds, and a poll comes after its request.
    """
    entries = json.loads((FOLDER / f"{recording}.json").read_text(encoding="utf-8"))
    return [_interaction(recording, index, entry, _moment(entries, index)) for index, entry in enumerate(entries)]


def names() -> list[str]:
    """All recordings of the folder."""
    return sorted(path.stem for path in FOLDER.glob("*.json"))


def _moment(entries: list[dict[str, Any]], index: int) -> float:
    same = [
        number
        for number, entry in enumerate(entries)
        if (entry["at_s"], entry.get("case")) == (entries[index]["at_s"], entries[index].get("case"))
    ]
    return float(entries[index]["at_s"]) + same.index(index) / len(same)


def _interaction(recording: str, index: int, entry: dict[str, Any], at: float) -> Interaction:
    headers = {name.lower(): value for name, value in entry["response_headers"].items()}
    return Interaction(
        recording=recording,
        index=index,
        case=entry.get("case", ""),
        method=entry["method"],
        path=entry["path"],
        query=entry["query"],
        request_body=entry["request_body"],
        answer=Answer(entry["status"], headers, entry["response_body"]),
        at=at,
        truncated="response_body_truncated" in entry,
        cuts=tuple((cut["list"], cut["kept"], cut["of"]) for cut in entry.get("response_body_truncated", ())),
    )
