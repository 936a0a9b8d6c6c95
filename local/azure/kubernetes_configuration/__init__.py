"""Microsoft.KubernetesConfiguration: cluster extensions on AKS and on Azure Arc-enabled clusters."""

from local.azure.kubernetes_configuration.provider import PROVIDER

__all__ = ["PROVIDER"]
