"""The message that asks for a pass over one cluster: `{v, cluster_id, reason, wake?, by?}`.

It says *look at this cluster* and nothing more; what is wanted and what is there is read when the pass runs.
"""

import json
from collections.abc import Container
from dataclasses import dataclass

from shared.arm.ids import ClusterId
from shared.errors import InvalidMessage, InvalidResourceId
from shared.fleet.records import VERSION

QUEUE = "reconcile"
"""Hints of events and timers, and the delayed messages of the passes themselves."""

URGENT_QUEUE = "reconcile-urgent"
"""People's requests: a burst of events can't starve them."""


ASKED = "asked by "
"""How the reason of a message begins that a person has asked for."""

_LONGEST = 200  # characters of a text that a message brings along


@dataclass(frozen=True, slots=True)
class Message:
    """One message. Without `wake` it is a hint, with it the delayed message of an earlier pass.

    `by` says who or what asked, for the decision log: an event's id, a person's name, the pass before.
    """

    cluster: ClusterId
    reason: str
    wake: str | None = None
    by: str = ""

    def encode(self) -> bytes:
        """JSON in UTF-8."""
        body = {"v": VERSION, "cluster_id": str(self.cluster), "reason": self.reason}
        more = {"wake": self.wake, "by": self.by}
        return json.dumps(body | {name: value for name, value in more.items() if value}).encode()


def decode(body: bytes, subscriptions: Container[str] | None) -> Message:
    """Read a message; without `subscriptions`, about whatever cluster.

    Raises:
        InvalidMessage: no JSON object, no cluster id, or a cluster outside the allowed subscriptions.
    """
    try:
        fields = json.loads(body)
        cluster = ClusterId.parse(fields["cluster_id"])
    except (ValueError, KeyError, TypeError, InvalidResourceId) as error:
        raise InvalidMessage(f"no message of this app: {type(error).__name__}: {str(error)[:200]}") from error
    if subscriptions is not None and cluster.subscription not in subscriptions:
        raise InvalidMessage(f"subscription {cluster.subscription} isn't this deployment's (AUTOPILOT_SUBSCRIPTIONS)")
    known = fields.get("v") == VERSION
    wake = fields.get("wake") if known else None  # another version's wake means nothing here: look at Azure
    reason, by = (str(fields.get(name, ""))[:_LONGEST] for name in ("reason", "by"))
    return Message(cluster, reason, str(wake) if wake else None, by)
