"""The documents of agent pools."""

from __future__ import annotations

import copy
import re
from typing import TYPE_CHECKING, Any

from local.azure.container_service import refusals, versions

if TYPE_CHECKING:
    from collections.abc import Mapping

    from local.azure.errors import ArmError, Json

DEFAULT_NAME = "nodepool1"
MAX_PODS = {"kubenet": 110, "azure": 250, "none": 250}  # 110 and 250 as recorded; azure here is the overlay mode
AZURE_WITHOUT_OVERLAY = 30  # documented default, not recorded

_NAME = re.compile(r"^[a-z][a-z0-9]{0,11}$")
_WINDOWS_NAME_LENGTH = 6
_ARM64 = re.compile(r"^standard_[a-z]+\d+(-\d+)?[a-z]*p[a-z]*_v\d+$", re.IGNORECASE)

# What a request may leave out, and what the service then answers with (both recordings of a cluster PUT).
_DEFAULTS: dict[str, Any] = {
    "count": 1,
    "vmSize": "Standard_DS2_v2",
    "osDiskSizeGB": 128,
    "osDiskType": "Managed",
    "kubeletDiskType": "OS",
    "type": "VirtualMachineScaleSets",
    "enableAutoScaling": False,
    "enableNodePublicIP": False,
    "mode": "User",
    "enableEncryptionAtHost": False,
    "enableUltraSSD": False,
    "osType": "Linux",
    "enableFIPS": False,
    "upgradeSettings": {},
}
_DROPPED_WHEN_EMPTY = ("nodeTaints", "nodeInitializationTaints", "nodeLabels", "tags", "availabilityZones")
_SPOT_ONLY = ("scaleSetPriority", "scaleSetEvictionPolicy", "spotMaxPrice")
_COMPUTED = ("provisioningState", "powerState", "currentOrchestratorVersion", "nodeImageVersion", "eTag")


def is_arm64(vm_size: str) -> bool:
    """Whether a VM size has an Arm64 processor: a `p` among the letters after its number of cores."""
    return bool(_ARM64.match(vm_size))


def refusal(profile: Mapping[str, Any]) -> ArmError | None:
    """Why a pool can't be made as asked, by the documented naming and mode rules; no recording shows these answers."""
    name = str(profile.get("name") or "")
    if not _NAME.match(name):
        return refusals.invalid(
            "agentPoolProfile.name",
            f"'{name}' must begin with a lowercase letter, contain only lowercase letters and digits and be at most 12 "
            "characters long",
        )
    if _is_windows(profile) and len(name) > _WINDOWS_NAME_LENGTH:
        return refusals.invalid(
            "agentPoolProfile.name", f"Windows agent pool name '{name}' can have at most 6 characters"
        )
    if _is_windows(profile) and profile.get("mode") == "System":
        return refusals.invalid(
            "agentPoolProfile.mode", f"'{name}' has osType Windows: system node pools must be Linux"
        )
    return None


def document(profile: Mapping[str, Any], *, version: str, plugin: str, overlay: bool, state: str) -> Json:
    """A pool's profile as a new cluster or pool shows it.

    Args:
        profile: As requested.
        version: Kubernetes version that the cluster runs.
        plugin: Network plugin of the cluster.
        overlay: Whether that plugin is in overlay mode.
        state: `provisioningState` of the pool.
    """
    made: Json = copy.deepcopy(_DEFAULTS) | {
        key: copy.deepcopy(value) for key, value in profile.items() if value is not None
    }
    for key in (*_COMPUTED, *(key for key in _DROPPED_WHEN_EMPTY if not made.get(key))):
        made.pop(key, None)
    if made.get("scaleSetPriority") != "Spot":
        for key in _SPOT_ONLY:
            made.pop(key, None)
    made["osDiskSizeGB"] = made["osDiskSizeGB"] or 128
    made.setdefault("maxPods", MAX_PODS.get(plugin, 110) if overlay or plugin != "azure" else AZURE_WITHOUT_OVERLAY)
    current = (versions.resolve(str(profile.get("orchestratorVersion") or version)) or (version, version))[1]
    made |= {
        "provisioningState": state,
        "powerState": {"code": "Running"},
        "orchestratorVersion": current,
        "currentOrchestratorVersion": current,
        "nodeLabels": copy.deepcopy(profile.get("nodeLabels") or {}),
        "osSKU": made.get("osSKU") or ("Windows2022" if _is_windows(made) else "Ubuntu"),
        "nodeImageVersion": _image(made),
        "securityProfile": _security(made, current),
    }
    if versions.shows_surge_defaults(current) and not made["upgradeSettings"]:
        made["upgradeSettings"] = {"maxSurge": "10%"}
    return made


def settle(profile: Json, state: str = "Succeeded") -> None:
    """Bring a pool to a state of rest; empty `nodeLabels` are shown while it is created only (recorded)."""
    profile["provisioningState"] = state
    if not profile.get("nodeLabels"):
        profile.pop("nodeLabels", None)


def _is_windows(profile: Mapping[str, Any]) -> bool:
    return str(profile.get("osType") or "").lower() == "windows"


def _image(profile: Mapping[str, Any]) -> str:
    if _is_windows(profile):
        return "AKSWindows-2022-containerd-20348.2700.241009"
    flavor = "gen2arm64containerd" if is_arm64(str(profile["vmSize"])) else "gen2containerd"
    return f"AKSUbuntu-2204{flavor}-202408.21.0"


def _security(profile: Mapping[str, Any], current: str) -> Json:
    """SSH access is spelled anew by the service: a request's `localuser` comes back as `LocalUser` (errors.json)."""
    asked = dict(profile.get("securityProfile") or {})
    asked["sshAccess"] = "Disabled" if str(asked.get("sshAccess", "")).lower() == "disabled" else "LocalUser"
    if versions.shows_surge_defaults(current):
        asked = {"enableVTPM": False, "enableSecureBoot": False} | asked
    return asked
