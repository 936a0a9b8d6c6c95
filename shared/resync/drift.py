"""How a cluster differs from what is wanted for it. Pure.

A finding is a reason to look and nothing more: the graph may be behind, so the pass that it asks for reads Azure itself
and decides. A cluster whose pass found nothing to do about a finding isn't asked for the same one again for a day.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from shared.arm.ids import ClusterId, folded, group_id, group_of, name_of, same_id, subscription_of
from shared.catalog.model import Catalog, Policy
from shared.catalog.rendering import policy_fingerprint
from shared.catalog.selection import Selected, Selection, select
from shared.fleet.records import Glance, State
from shared.onboarding.cluster import Cluster
from shared.onboarding.desired import Desired, desired_protection
from shared.onboarding.steps.groups import BACKUP_GROUP
from shared.onboarding.steps.roles import ROLES, Role
from shared.onboarding.steps.storage import ACCOUNT
from shared.onboarding.vault_tier import can_learn
from shared.resync.inventory import Inventory, Seen, SeenInstance
from shared.settings import Settings

ANSWERED = 24 * 3600.0
"""Azure's seconds for which a finding counts as answered by a pass that found nothing to do about it."""

SHARES = 24
"""A converged cluster gets a real look in one hour of so many, by its hash: it sees what the graph doesn't show."""

_UNSEEN = 25 * 3600.0  # Azure's seconds after which its hour must have been missed, as by a schedule that isn't hourly

_HOUR = 3600.0
_LATE = 900.0  # real seconds after which a delayed message counts as lost: a pass and its redelivery take less
_SOON = 2 * 3600.0  # real seconds: a pass that comes by itself within these sees whatever changed meanwhile
_UNSETTLED = frozenset({State.NEW, State.WAITING, State.BLOCKED})
_ENDED = frozenset({State.RELEASED, State.ORPHANED})
_WELL = frozenset({"ProtectionConfigured", "ConfiguringProtection", "UpdatingProtection"})


class Reason(StrEnum):
    """What a resync asks for a pass about."""

    NOT_ONBOARDED = "NotOnboarded"
    """A tag, and nobody ever looked: the event of the creation or of the tag was lost."""

    TAG_CHANGED = "TagChanged"
    TAG_REMOVED = "TagRemoved"
    RELEASED_BUT_TAGGED = "ReleasedButTagged"
    CATALOG_CHANGED = "CatalogChanged"
    RECREATED = "Recreated"
    """It is another cluster than the one that was last protected: somebody made it anew under the same id."""

    INSTANCE_MISSING = "InstanceMissing"
    PROTECTION_LOST = "ProtectionLost"
    POLICY_CHANGED = "PolicyChanged"
    EXTENSION_MISSING = "ExtensionMissing"
    EXTENSION_FAILED = "ExtensionFailed"
    ROLE_MISSING = "RoleMissing"
    DELETED = "Deleted"
    """A row, and no such cluster in the graph: only ARM's 404 in the pass says that it is gone."""

    WAKE_LOST = "WakeLost"
    """The row waits for a delayed message that should have come long ago."""

    DEEP_LOOK = "DeepLook"
    """Nothing found; its turn to be looked at all the same."""


@dataclass(frozen=True, slots=True)
class Finding:
    """A cluster that is to be looked at, why, and what was seen."""

    cluster: ClusterId
    reason: Reason
    detail: str = ""

    @property
    def text(self) -> str:
        """The reason as it stands in the message, at most 200 characters, and later in the row."""
        return f"resync {self.reason}{': ' if self.detail else ''}{self.detail}"[:200]


@dataclass(frozen=True, slots=True)
class Moment:
    """Azure's time and this machine's, epoch seconds."""

    azure: float
    real: float


@dataclass(frozen=True, slots=True)
class Judge:
    """What judging takes besides the cluster itself."""

    inventory: Inventory
    catalog: Catalog
    settings: Settings
    now: Moment

    def unknown(self, seen: Seen) -> Finding | None:
        """A cluster without a row."""
        selected = self._selected(seen)
        if selected.selection in (Selection.NOT_SELECTED, Selection.EXCLUDED):
            return None
        return Finding(seen.id, Reason.NOT_ONBOARDED, selected.name[:100])

    def gone(self, row: Glance) -> Finding | None:
        """A row without a cluster: a reason to look, unless its subscription couldn't be read."""
        cluster = ClusterId.parse(row.cluster_id)
        if row.state in _ENDED or cluster.subscription in self.inventory.unread:
            return None
        return self._unanswered(row, Finding(cluster, Reason.DELETED)) if not self.under_way(row) else None

    def known(self, seen: Seen, row: Glance) -> Finding | None:
        """A cluster with its row: the first difference, or None."""
        if self._worked_on(row):
            return None
        if row.wake is None:
            if row.state in _UNSETTLED:
                return Finding(seen.id, Reason.WAKE_LOST, "unfinished")
        elif self.now.real > row.wake_due + _LATE:
            return Finding(seen.id, Reason.WAKE_LOST, row.reason)
        elif row.wake_due < self.now.real + _SOON:
            return None
        selected = self._selected(seen)
        finding = self._of_tag(seen, row, selected)
        if finding is None and row.state is State.PROTECTED:
            finding = self._of_protection(seen, row, selected)
        return finding and self._unanswered(row, finding)

    def under_way(self, row: Glance) -> bool:
        """Whether a pass runs, or one comes by itself before long."""
        due = row.wake is not None and self.now.real - _LATE <= row.wake_due < self.now.real + _SOON
        return due or self._worked_on(row)

    def deep_turn(self, cluster: ClusterId, row: Glance) -> bool:
        """Whether it is this converged cluster's hour to be looked at, or the last one was missed; once is enough."""
        turn = int(cluster.key[8:16], 16) % SHARES == int(self.now.azure // _HOUR) % SHARES
        return row.state is State.PROTECTED and self.now.azure - row.looked_at > (_HOUR if turn else _UNSEEN)

    def _worked_on(self, row: Glance) -> bool:
        return row.claim is not None and row.claim.until > self.now.real

    def _unanswered(self, row: Glance, finding: Finding) -> Finding | None:
        answered = row.asked == finding.text and self.now.azure - row.looked_at < ANSWERED
        return None if answered else finding

    def _selected(self, seen: Seen) -> Selected:
        return select(seen.tags, self.catalog, self.settings.tag, self.settings.default_policy)

    def _of_tag(self, seen: Seen, row: Glance, selected: Selected) -> Finding | None:
        if selected.selection in (Selection.NOT_SELECTED, Selection.EXCLUDED):
            # a row without a policy knows, even if it waits for the end of a grace period
            known = row.state in _ENDED or not (row.policy or row.state is State.PROTECTED)
            return None if known else Finding(seen.id, Reason.TAG_REMOVED, row.policy)
        if row.state in _ENDED:
            return Finding(seen.id, Reason.RELEASED_BUT_TAGGED, selected.name[:100])
        if row.policy != selected.name:
            return Finding(seen.id, Reason.TAG_CHANGED, f"{row.policy[:60]} to {selected.name[:60]}")
        rejected = row.state is State.REJECTED
        if rejected != (selected.selection is Selection.UNKNOWN):
            return Finding(seen.id, Reason.CATALOG_CHANGED, row.policy[:100])  # the policy's name came or went
        return None

    def _of_protection(self, seen: Seen, row: Glance, selected: Selected) -> Finding | None:
        policy = selected.policy
        if policy is None:  # the tag says that others protect it
            lost = not _serves(seen.instances.values()) and self.inventory.knows("instances", seen.id.subscription)
            return Finding(seen.id, Reason.PROTECTION_LOST, "external") if lost else None
        if row.life.identity not in ("", seen.uid, seen.principal):
            return Finding(seen.id, Reason.RECREATED, seen.uid or seen.principal)
        if policy_fingerprint(self.catalog, policy, seen.id.key) != row.fingerprint:
            return Finding(seen.id, Reason.CATALOG_CHANGED, row.policy)
        cluster = Cluster(seen.id, seen.location, seen.tags, seen.state, seen.power, seen.principal, (), True, True)
        wanted = self._wanted(seen, cluster, (selected.name, policy))
        if folded(wanted.instance) not in seen.instances and _serves(seen.instances.values()):
            return None  # others protect it, with an extension and roles of theirs
        found = self._of_instance(seen, wanted) or self._of_extension(seen) or self._of_roles(seen, row, wanted)
        return found and Finding(seen.id, *found)

    def _wanted(self, seen: Seen, cluster: Cluster, named: tuple[str, Policy]) -> Desired:
        """What is wanted; the policy without its vault tier where Azure may have refused that."""
        wanted = desired_protection(cluster, named, self.catalog, self.settings)
        ours = seen.instances.get(folded(wanted.instance))
        if ours is None or same_id(ours.policy, wanted.policy) or not can_learn(named[1], self.settings):
            return wanted
        fallen = desired_protection(cluster, named, self.catalog, self.settings, no_vault_tier=True)
        return fallen if same_id(ours.policy, fallen.policy) else wanted

    def _of_instance(self, seen: Seen, wanted: Desired) -> tuple[Reason, str] | None:
        if not self.inventory.knows("instances", subscription_of(wanted.vault)):
            return None
        ours = seen.instances.get(folded(wanted.instance))
        if ours is None:
            return Reason.INSTANCE_MISSING, name_of(wanted.instance)
        if ours.state not in _WELL:
            return Reason.PROTECTION_LOST, ours.state
        return None if same_id(ours.policy, wanted.policy) else (Reason.POLICY_CHANGED, name_of(ours.policy))

    def _of_extension(self, seen: Seen) -> tuple[Reason, str] | None:
        """Only where the graph shows extensions of other clusters, the lack of one says something."""
        if seen.extension is None:
            subscription = seen.id.subscription
            shown = subscription in self.inventory.extensions and self.inventory.knows("extensions", subscription)
            return (Reason.EXTENSION_MISSING, "") if shown else None
        failed = seen.extension.state in ("Failed", "Canceled")
        return (Reason.EXTENSION_FAILED, seen.extension.state) if failed else None

    def _of_roles(self, seen: Seen, row: Glance, wanted: Desired) -> tuple[Reason, str] | None:
        subscription = seen.id.subscription
        if not self.inventory.grants or not self.inventory.knows("grants", subscription):
            return None
        missing = [role for role in ROLES if (wanted.vault_tier or not role.vault_tier)]
        # where they were when the cluster was last protected: an adopted extension has an account of its own
        there = row.places or wanted
        scopes = {None: str(seen.id), BACKUP_GROUP: there.group, ACCOUNT: there.account}
        missing = [role for role in missing if self._lacks(role, scopes[role.on], self._principal(role, seen, wanted))]
        if not missing:
            return None
        return Reason.ROLE_MISSING, ", ".join(sorted(f"{role.name} on {role.on or 'cluster'}" for role in missing))

    def _lacks(self, role: Role, scope: str, principal: str) -> bool:
        """Whether the graph shows no such assignment, at the scope or above it; an unknown grantee lacks nothing."""
        pair = folded(f"{principal} {role.id}")
        return bool(principal) and not any(pair in self.inventory.grants.get(place, ()) for place in _places(scope))

    def _principal(self, role: Role, seen: Seen, wanted: Desired) -> str:
        match role.grantee:
            case None:
                return seen.principal
            case "extension":
                return seen.extension.principal if seen.extension else ""
            case _:
                return self.inventory.vaults.get(folded(wanted.vault), "")


def _serves(instances: Iterable[SeenInstance]) -> bool:
    """Whether any of these instances protects."""
    return any(instance.state in _WELL for instance in instances)


def _places(scope: str) -> Iterator[str]:
    """The rows in which an assignment that serves may stand: a group's row has what is in the group too."""
    yield folded(scope)
    yield folded(group_id(subscription_of(scope), group_of(scope)))
    yield f"/subscriptions/{subscription_of(scope)}"
    yield ""
