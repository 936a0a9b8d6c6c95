"""The steps of an onboarding, one small piece each. Adding one touches its file and the list here."""

from shared.onboarding.desired import Desired
from shared.onboarding.step import Step
from shared.onboarding.steps import extension, groups, instance, providers, roles, storage, trusted_access, vault
from shared.onboarding.steps.private_endpoint import PrivateEndpointStep


def private_endpoint(desired: Desired) -> tuple[PrivateEndpointStep, ...]:
    """The private endpoint, where one is wanted."""
    return (PrivateEndpointStep(),) if desired.network.subnet else ()


def steps_for(desired: Desired) -> tuple[Step, ...]:
    """All steps of one cluster, in no order that matters: each says what it needs."""
    return (
        *providers.steps(),
        groups.vault_group(desired),
        vault.VaultStep(),
        vault.PolicyStep(),
        groups.backup_group(desired),
        storage.AccountStep(),
        storage.ContainerStep(),
        *private_endpoint(desired),
        extension.ExtensionStep(after=tuple(step.name for step in private_endpoint(desired))),
        trusted_access.BindingStep(),
        *roles.steps(desired),
        instance.validation(desired),
        instance.InstanceStep(),
        instance.PreviousInstancesStep(),
        vault.RetiredPoliciesStep(),
    )
