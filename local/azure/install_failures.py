"""What goes wrong in a cluster while an extension is installed, as `errorInfo` tells it.

The extension agent reports free text. Its telling parts are documented ("Troubleshoot AKS backup and restore") or seen
by clients; the words around them are ours.
"""

from __future__ import annotations

_CODE = "ExtensionOperationFailed"
_HELM = "Helm installation from path [] for release [azure-aks-backup] failed with the following error: err [{}]"
_HOST = "westeurope.dp.kubernetesconfiguration.azure.com"
_LOOKUP = f"Post https://{_HOST}/subscriptions: dial tcp: lookup {_HOST} on 10.0.0.10:53: no such host"

CAUSES: dict[str, tuple[str, str]] = {
    "no-room": (
        _CODE,
        _HELM.format("release azure-aks-backup failed: failed post-install: timed out waiting for the condition"),
    ),
    "unreachable": (_CODE, _HELM.format("failed pre-install: job failed: BackoffLimitExceeded")),
    "egress": (_CODE, f"Error in getting the configurations: error {_LOOKUP}"),
}
"""Code and message by cause: nodes without room for its pods, an API server that pods don't reach, a cluster whose
nodes don't reach the service's data plane."""
