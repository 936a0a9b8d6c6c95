"""Why an extension couldn't be installed, told from the free text of its errorInfo.

Source of the texts: "Troubleshoot errors when deploying AKS cluster extensions", and errors of the Kubernetes client.
"""

import re
from typing import NamedTuple

from shared.errors import ArmError


class ExtensionFault(NamedTuple):
    """A cause on the cluster's side: its reason, and what its owner can do."""

    reason: str
    advice: str


_ROOM = ExtensionFault(
    "NoRoomForExtension",
    "give the nodes room for its pods (namespace dataprotection-microsoft), or them a node that their taints allow",
)
_API_SERVER = ExtensionFault(
    "ApiServerUnreachable",
    "let pods reach the cluster's API server: authorized IP ranges, network policies, the private cluster's DNS",
)
_EGRESS = ExtensionFault(
    "EgressBlocked",
    "let the cluster out to mcr.microsoft.com, *.dp.kubernetesconfiguration.azure.com, its region's "
    "dataprotection.microsoft.com, management.azure.com, login.microsoftonline.com and its storage account, or give "
    "it private endpoints for them",
)
_FAULTS = (
    # the first that fits: an API server's address is told from others by its path
    (r"https://[^\s\"]+/apis?(/|\?|\"|\s|$)", _API_SERVER),
    (r"BackoffLimitExceeded", _API_SERVER),
    (r"no such host|no route to host|network is unreachable", _EGRESS),
    (r"dial tcp [^\n]*(i/o timeout|connection refused|connection reset)", _EGRESS),
    (r"TLS handshake timeout|certificate signed by unknown authority", _EGRESS),
    (r"ErrImagePull|ImagePullBackOff|mcr\.microsoft\.com", _EGRESS),
    (r"Unable to get a response from the agent in time", _EGRESS),
    (r"Insufficient (cpu|memory|pods)|didn't match Pod's node affinity|untolerated taint", _ROOM),
    (r"timed out waiting for the condition", _ROOM),
)
_PATTERNS = tuple((re.compile(pattern, re.IGNORECASE), fault) for pattern, fault in _FAULTS)


def extension_fault(error: ArmError) -> ExtensionFault | None:
    """The cause of a failed installation; None: the text names none that is known."""
    text = f"{error.code}: {error.message}"
    return next((fault for pattern, fault in _PATTERNS if pattern.search(text)), None)
