"""Check a cluster, and write its restore request, from a shell: for when the app is down.

    python -m shared.readiness CLUSTER_ID [--deep] [--request] [--target ID] [--tier VaultStore --staging-... ID]

It asks Azure with the login of whoever runs it (Azure CLI, environment, managed identity) and reads none of the app's
tables, so it knows no restore tests. Settings come from the environment as in the app; none is needed. It restores
nothing. Exit status: 0 Ready, 3 AtRisk, 4 NotReady, 5 Unknown, 1 when it couldn't ask, 2 for wrong arguments.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from collections.abc import Callable, Mapping, Sequence

from azure.identity.aio import DefaultAzureCredential
from msgspec import json

from shared.api import readiness_pages
from shared.api.pages import as_text
from shared.api.restore_views import request_view
from shared.arm.door import Door
from shared.arm.ids import ClusterId, ResourceId
from shared.backups.policies import Policies
from shared.catalog.loading import load as load_catalog
from shared.errors import ArmError, AutopilotError, InvalidResourceId
from shared.readiness import deep
from shared.readiness.ask import OPERATIONAL, TIERS, Ask
from shared.readiness.drafting import Undrafted, draft
from shared.readiness.kept import Validated, Validating
from shared.readiness.model import Check, Verdict
from shared.readiness.request import POINT, RestoreRequest, mappings_of
from shared.readiness.service import Checked, Checker, UnknownCluster, recall_nothing
from shared.settings import Settings
from shared.settings import load as load_settings

STATUSES = {Verdict.READY: 0, Verdict.AT_RISK: 3, Verdict.NOT_READY: 4, Verdict.UNKNOWN: 5}
"""Exit status by verdict."""

CANT_ASK = 1


def parser() -> argparse.ArgumentParser:
    """The arguments."""
    described, _, more = (__doc__ or "").partition("\n")
    made = argparse.ArgumentParser(
        "python -m shared.readiness", None, described, more, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    made.add_argument("cluster", type=_cluster, help="id of the cluster")
    made.add_argument("--target", type=_cluster, help="another cluster to restore to")
    made.add_argument("--recovery-point", type=_point, help="another point than the newest one of the tier")
    made.add_argument("--tier", choices=TIERS, default=OPERATIONAL, help="the store to restore from")
    made.add_argument(
        "--staging-group", type=_group, help="id of the resource group that a restore from the vault stages in"
    )
    made.add_argument("--staging-account", type=_account, help="id of the storage account for it")
    made.add_argument("--deep", action="store_true", help="let Azure validate the restore, too; takes about 45 s")
    made.add_argument("--wait", type=float, default=200.0, help="seconds that Azure may take for that (200)")
    made.add_argument("--request", action="store_true", help="write the restore request and the commands for it")
    made.add_argument("--namespaces", type=_names, default=(), help="restore these only: a,b")
    made.add_argument("--map", action="append", default=[], metavar="FROM:TO", help="restore a namespace as another")
    made.add_argument("--json", action="store_true", help="JSON in place of text")
    return made


def _parsed[T](parse: Callable[[str], T]) -> Callable[[str], T]:
    """An argument's type that tells what was wrong with it."""

    def read(text: str) -> T:
        try:
            return parse(text)
        except InvalidResourceId as error:
            raise argparse.ArgumentTypeError(str(error)) from error

    return read


_cluster = _parsed(ClusterId.parse)


def _id_of(kind: str) -> Callable[[str], str]:
    def read(text: str) -> str:
        ResourceId.parse(text, kind)
        return text

    return _parsed(read)


_group, _account = _id_of(""), _id_of("Microsoft.Storage/storageAccounts")


def _point(text: str) -> str:
    if not POINT.fullmatch(text):
        raise argparse.ArgumentTypeError(f"no recovery point's name: {text[:200]!r}; Azure lists them as 32 hex digits")
    return text


def _names(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(","))


async def answer(door: Door, settings: Settings, options: argparse.Namespace) -> tuple[str, int]:
    """What is printed, and the exit status.

    Raises:
        AutopilotError: the catalog can't be read, or what was asked for makes no restore request.
    """
    catalog = load_catalog(settings.catalog)
    checker = Checker(settings, catalog, Policies.of(catalog), door, recall_nothing)
    names = ("target", "recovery_point", "tier", "staging_group", "staging_account")
    checked = await checker.check(options.cluster, Ask(**{name: getattr(options, name) for name in names}))
    if isinstance(checked, UnknownCluster):
        return f"{options.cluster} doesn't exist, or this login may not see it\n", CANT_ASK
    drafted: RestoreRequest | Undrafted | None = None
    if options.deep or options.request:
        drafted = draft(checked.facts, options.namespaces, mappings_of(options.map))
    if options.deep and isinstance(drafted, RestoreRequest):
        checked = checked.deepened(await _validated(door, drafted, checked.facts.places.vault, options.wait))
    text = (_json if options.json else _text)(options, checked, drafted if options.request else None)
    return text, STATUSES[checked.readiness.verdict]


async def _validated(door: Door, request: RestoreRequest, vault: str, seconds: float) -> Check:
    outcome: Validated | Validating | ArmError
    try:
        outcome = await deep.begin(door, request)
        if isinstance(outcome, Validating):
            outcome = await deep.until(door, outcome, seconds) or outcome
    except ArmError as error:
        outcome = error
    return deep.validation_check(outcome, vault=vault, tier=request.tier, target=request.target)


def _text(options: argparse.Namespace, checked: Checked, drafted: RestoreRequest | Undrafted | None) -> str:
    text = as_text(readiness_pages.readiness(checked.readiness))
    if isinstance(drafted, Undrafted):
        return f"{text}\nThere is no restore request: {drafted.message}\n"
    if drafted is None:
        return text
    return f"{text}\n{as_text(readiness_pages.restore_request(request_view(options.cluster, drafted)))}"


def _json(options: argparse.Namespace, checked: Checked, drafted: RestoreRequest | Undrafted | None) -> str:
    request = request_view(options.cluster, drafted) if isinstance(drafted, RestoreRequest) else None
    said = {"readiness": checked.readiness, "restoreRequest": request}
    return json.format(json.encode(said), indent=2).decode() + "\n"


async def _run(options: argparse.Namespace, environ: Mapping[str, str]) -> int:
    assumed = {"AUTOPILOT_SUBSCRIPTIONS": options.cluster.subscription, "AzureWebJobsStorage": _NO_STORAGE}
    settings = load_settings({**assumed, **environ})
    async with (
        DefaultAzureCredential() as credential,
        Door(settings.arm_endpoint, settings.arm_audience, credential) as door,
    ):
        text, status = await answer(door, settings, options)
    sys.stdout.write(text)
    return status


_NO_STORAGE = "UseDevelopmentStorage=true"  # the settings want one; nothing here opens it


def main(arguments: Sequence[str] | None = None) -> int:
    """Check and print; the exit status."""
    options = parser().parse_args(arguments)
    try:
        return asyncio.run(_run(options, os.environ))
    except AutopilotError as error:
        sys.stderr.write(f"{error}\n")
        return CANT_ASK


if __name__ == "__main__":
    sys.exit(main())
