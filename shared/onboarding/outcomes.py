"""What a pass ends with, and what it saw of each step."""

from dataclasses import dataclass
from enum import StrEnum


class Who(StrEnum):
    """Who can act."""

    CLUSTER_OWNER = "cluster owner"
    OPERATOR = "operator"


@dataclass(frozen=True, slots=True)
class Protected:
    """Azure says ProtectionConfigured, and everything around it is as wanted."""

    reason: str = "ProtectionConfigured"
    message: str = ""


@dataclass(frozen=True, slots=True)
class Waiting:
    """Something is under way. `again_after` is in Azure's seconds, `retry_after` in real ones; the later one counts."""

    reason: str
    message: str
    again_after: float
    retry_after: float = 0.0


@dataclass(frozen=True, slots=True)
class Blocked:
    """Somebody has to act; until then it is looked at seldom (`again_after`, Azure's seconds)."""

    reason: str
    message: str
    who: Who
    again_after: float = 3600.0


@dataclass(frozen=True, slots=True)
class Rejected:
    """What the tag asks for doesn't exist."""

    reason: str
    message: str


@dataclass(frozen=True, slots=True)
class Released:
    """Nothing is wanted for this cluster. `again_after`, in Azure's seconds: then that may change by itself."""

    reason: str
    message: str
    again_after: float | None = None


@dataclass(frozen=True, slots=True)
class Orphaned:
    """The cluster is gone; what protected it is kept."""

    reason: str
    message: str


Outcome = Protected | Waiting | Blocked | Rejected | Released | Orphaned


@dataclass(frozen=True, slots=True)
class Met:
    """The step's thing is there, as wanted."""


@dataclass(frozen=True, slots=True)
class UnderWay:
    """It was started, or has to be tried again. `again_after` is in Azure's seconds, `retry_after` in real ones."""

    reason: str
    message: str
    again_after: float
    retry_after: float = 0.0


@dataclass(frozen=True, slots=True)
class Absent:
    """It isn't there, or differs from what is wanted; `start` puts that right."""

    message: str = ""


@dataclass(frozen=True, slots=True)
class Unmade:
    """Not looked at: something that it stands on isn't there yet."""

    message: str


@dataclass(frozen=True, slots=True)
class Stuck:
    """Only a person can put it right."""

    reason: str
    message: str
    who: Who


Observation = Met | UnderWay | Absent | Unmade | Stuck


def describe(observation: Observation) -> str:
    """An observation as people see it in the status: `UnderWay: InstallingExtension`."""
    match observation:
        case Met():
            return "Met"
        case Absent(message=message):
            return f"Absent: {message}" if message else "Absent"
        case Unmade(message=message):
            return f"Unmade: {message}"
        case _:
            return f"{type(observation).__name__}: {observation.reason or observation.message}"
