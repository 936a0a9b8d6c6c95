"""What of the Azure CLI the fixes use, as Azure CLI 2.91 and its extensions k8s-extension and dataprotection have it.

It can't be asked here: it is larger than everything else together, and its extensions aren't in package registries.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from itertools import takewhile

_BY_ID, _HERE = "--ids", "--subscription --resource-group"
_EXTENSION = f"{_HERE} --cluster-type --cluster-name --name"
_STORED = {"blobContainer", "storageAccount", "storageAccountResourceGroup", "storageAccountSubscriptionId", "useAAD"}
"""Settings that `az k8s-extension` takes for the extension of Azure Backup; others are dropped."""

_COMMANDS = {
    # command -> options that it needs, options that it may have
    "aks start": (f"{_HERE} --name", ""),
    "aks update": (f"{_HERE} --name", "--enable-disk-driver --enable-snapshot-controller"),
    "aks upgrade": (f"{_HERE} --name", "--kubernetes-version"),
    "aks trustedaccess rolebinding create": (f"{_HERE} --cluster-name --name --roles --source-resource-id", ""),
    "aks trustedaccess rolebinding update": (f"{_HERE} --cluster-name --name --roles", ""),
    "dataprotection backup-instance deleted-backup-instance undelete": (
        f"{_HERE} --vault-name --backup-instance-name",
        "",
    ),
    "dataprotection backup-instance resume-protection": (_BY_ID, ""),
    "dataprotection backup-vault update": (
        _BY_ID,
        (
            "--type --soft-delete-state --retention-duration-in-days --immutability-state "
            "--cross-region-restore-state --cross-subscription-restore-state"
        ),
    ),
    "dataprotection job show": (_BY_ID, ""),
    "group create": ("--resource-group --location", "--subscription"),
    "k8s-extension create": (f"{_EXTENSION} --extension-type --scope --configuration-settings", "--release-train"),
    "k8s-extension delete": (_EXTENSION, "--yes"),
    "k8s-extension update": (_EXTENSION, "--yes --configuration-settings"),
    "lock delete": (_BY_ID, ""),
    "network private-endpoint create": (
        f"{_HERE} --name --private-connection-resource-id --connection-name --subnet",
        "--group-id --location",
    ),
    "role assignment create": ("--assignee-object-id --role --scope", "--assignee-principal-type"),
    "storage account show": (_BY_ID, ""),
    "storage account update": (
        _BY_ID,
        "--bypass --public-network-access --default-action --allow-cross-tenant-replication",
    ),
    "storage container list": ("--account-name --auth-mode", "--include-deleted --query --output"),
    "storage container restore": ("--account-name --auth-mode --name --deleted-version", ""),
    "tag update": ("--resource-id --operation --tags", ""),
}


def wrong(fix: str) -> list[str]:
    """What the Azure CLI wouldn't take of a fix; [] for words and calls of the app."""
    if not fix.startswith("az "):
        return []
    words = shlex.split(fix, comments=True)
    inner = [word[2:-1] for word in words if word.startswith("$(")]
    return [*_wrong_lines(words), *(fault for line in inner for fault in wrong(line))]


def _wrong_lines(words: list[str]) -> Iterator[str]:
    while words:
        line = list(takewhile(lambda word: word != "&&", words))
        words = words[len(line) + 1 :]
        yield from _wrong_line(line)


def _wrong_line(line: list[str]) -> Iterator[str]:
    command = " ".join(takewhile(lambda word: not word.startswith("--"), line[1:]))
    options = {word for word in line if word.startswith("--")}
    if line[0] != "az" or command not in _COMMANDS:
        yield f"no command: {shlex.join(line)}"
        return
    needed, allowed = (set(text.split()) for text in _COMMANDS[command])
    yield from (f"{command} lacks {option}" for option in sorted(needed - options))
    yield from (f"{command} has no {option}" for option in sorted(options - needed - allowed))
    if "--configuration-settings" in options:
        after = line[line.index("--configuration-settings") + 1 :]
        settings = {word.partition("=")[0] for word in takewhile(lambda word: not word.startswith("--"), after)}
        yield from (f"{command} ignores or lacks the setting {name}" for name in sorted(settings ^ _STORED))
