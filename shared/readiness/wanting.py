"""What a cluster's tags ask for, those that it inherits included: pure."""

from __future__ import annotations

from collections.abc import Mapping

from shared.arm.ids import group_id, same_id
from shared.catalog.model import Catalog, Policy
from shared.catalog.selection import select, tag_value
from shared.errors import ArmError
from shared.fleet.records import Places
from shared.onboarding.cluster import Cluster
from shared.onboarding.desired import desired_protection
from shared.onboarding.vault_tier import can_learn, fitting
from shared.readiness.facts import Fact, Graph, Wanted
from shared.settings import Inherit, Settings


def wanted_of(
    cluster: Fact[Cluster], graph: Fact[Graph], places: Places, catalog: Catalog, settings: Settings
) -> Fact[Wanted]:
    """What the tags ask for; an error where what would tell couldn't be read."""
    if isinstance(cluster, ArmError):
        return cluster
    inherited = _inherited(cluster, graph, settings)
    if isinstance(inherited, ArmError):
        return inherited
    selected = select({**inherited, **cluster.tags}, catalog, settings.tag, settings.default_policy)
    if selected.policy is None:
        return Wanted(selected.selection, selected.name, None, None, "", settings.tag)

    def fit(policy: Policy, *, learned: bool) -> tuple[Policy, str]:
        fitted = fitting(policy, cluster.location, settings, learned=learned)
        return fitted, desired_protection(cluster, (selected.name, fitted), catalog, settings).policy

    policy, arm_policy = fit(selected.policy, learned=False)
    if can_learn(selected.policy, settings):
        # that the region has no vault tier is known of it by now if the instance has the policy without it
        without = fit(selected.policy, learned=True)
        policy, arm_policy = without if same_id(without[1], places.policy) else (policy, arm_policy)
    return Wanted(
        selected.selection, selected.name, policy, catalog.profile_of(selected.policy), arm_policy, settings.tag
    )


def _inherited(cluster: Cluster, graph: Fact[Graph], settings: Settings) -> Mapping[str, str] | ArmError:
    """The tag of the cluster's resource group, then of its subscription; {} when the cluster has one itself."""
    tag, level = settings.tag, settings.inherit
    if tag_value(cluster.tags, tag) is not None or level is Inherit.NONE:
        return {}
    if isinstance(graph, ArmError):
        return graph
    places = [group_id(cluster.id.subscription, cluster.id.group)]
    if level is Inherit.SUBSCRIPTION:
        places.append(f"/subscriptions/{cluster.id.subscription}")
    found = (tag_value(graph.tags.get(place.casefold()), tag) for place in places)
    value = next((text for text in found if text is not None), None)
    return {} if value is None else {tag: value}
