"""Kubernetes versions, and what the service answers differently from one to the next."""

from __future__ import annotations

import re

DEFAULT = "1.27"
"""What an empty `kubernetesVersion` means (aks_create_trusted_access_rolebinding)."""

PATCHES = {
    "1.26": "1.26.10",
    "1.27": "1.27.7",
    "1.28": "1.28.9",
    "1.29": "1.29.7",
    "1.30": "1.30.3",
    "1.31": "1.31.5",
    "1.32": "1.32.4",
    "1.33": "1.33.2",
    "1.34": "1.34.1",
}
"""Newest patch of each minor version; only those of 1.27 and 1.30 are recorded."""

_FORM = re.compile(r"^\d+\.\d+(\.\d+)?$")


def resolve(requested: str) -> tuple[str, str] | None:
    """The version to show and the one to run for a requested one, or None when there is no such version.

    Args:
        requested: Empty, a minor version (1.27) or a full one (1.27.7).
    """
    shown = requested or DEFAULT
    if not _FORM.match(shown):
        return None
    minor = ".".join(shown.split(".")[:2])
    if minor not in PATCHES:
        return None
    return shown, PATCHES[minor] if shown == minor else shown


def upgrade(current: str, requested: str) -> str | None:
    """The version that a request brings a cluster to, or None when it runs that already.

    Args:
        current: The full version that runs.
        requested: As for `resolve`; empty for what is there.
    """
    resolved = resolve(requested) if requested else None
    return resolved[1] if resolved and current and resolved[1] != current else None


def forbids(current: str, wanted: str) -> str:
    """Why a cluster can't be brought from one version to another, or ""; the rules are documented.

    There is no way back, and no minor version may be left out.
    """
    have, want = (tuple(map(int, version.split("."))) for version in (current, wanted))
    if want < have:
        return f"Downgrading Kubernetes version {current} to {wanted} is not allowed."
    if want[1] > have[1] + 1:
        return f"Upgrading Kubernetes version {current} to {wanted} is not allowed: minor versions can't be skipped."
    return ""


def shows_surge_defaults(current: str) -> bool:
    """Whether upgrade settings and the security profile are filled with defaults.

    They are on the recorded 1.30 cluster (errors.json) and aren't on the recorded 1.27 one.
    """
    return int(current.split(".")[1]) >= 28  # noqa: PLR2004 - the first version whose default surge is documented as 10 %
