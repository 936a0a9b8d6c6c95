"""Why an extension couldn't be installed: told from each other by what Azure, helm and Kubernetes say."""

from __future__ import annotations

import pytest

from shared.arm.extension_faults import extension_fault
from shared.errors import ArmError

_INSTALL = "Failed to install chart from path [] for release [azure-aks-backup]: err ["


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (f"{_INSTALL}timed out waiting for the condition]", "NoRoomForExtension"),
        ("0/3 nodes are available: 3 Insufficient memory.", "NoRoomForExtension"),
        ("0/3 nodes are available: 3 node(s) had untolerated taint {dedicated: gpu}", "NoRoomForExtension"),
        ("Job has reached the specified backoff limit: BackoffLimitExceeded", "ApiServerUnreachable"),
        (
            'Get "https://10.0.0.1:443/api?timeout=32s": dial tcp 10.0.0.1:443: i/o timeout',
            "ApiServerUnreachable",
        ),
        (
            'Get "https://web-dns.hcp.westeurope.azmk8s.io:443/apis/apps/v1": dial tcp: lookup web-dns: no such host',
            "ApiServerUnreachable",
        ),
        (
            "dial tcp: lookup westeurope.dp.kubernetesconfiguration.azure.com: no such host",
            "EgressBlocked",
        ),
        (
            'Post "https://login.microsoftonline.com/t/oauth2/token": dial tcp 20.190.159.0:443: i/o timeout',
            "EgressBlocked",
        ),
        ('Failed to pull image "mcr.microsoft.com/aksbackup/x": ErrImagePull', "EgressBlocked"),
        ("net/http: TLS handshake timeout", "EgressBlocked"),
        ("Unable to get a response from the Agent in time", "EgressBlocked"),
    ],
)
def test_each_cause_has_its_reason(text: str, reason: str) -> None:
    """And words about what the cluster's owner can do."""
    fault = extension_fault(ArmError(text, status=200, code="ExtensionOperationFailed"))
    assert fault is not None
    assert fault.reason == reason
    assert fault.advice


@pytest.mark.parametrize("text", ["", "the cluster is stopped.", "Request failed to https://management.azure.com/"])
def test_a_text_that_says_nothing_known_has_none(text: str) -> None:
    """Then the reason stays ExtensionFailed, and the message has the text."""
    assert extension_fault(ArmError(text, status=200, code="ExtensionOperationFailed")) is None
