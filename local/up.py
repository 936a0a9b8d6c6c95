"""The same parts as the demo's, left running on fixed ports, with a printed list of things to try: `make up`.

`python -m local.clusters` talks to them from another terminal.
"""

from __future__ import annotations

import asyncio
import signal
import sys

from rich.console import Console

from local.stack import ROOT, PartError, Ports, cluster_id, stack

FOLDER = ROOT / "build" / "up"
TIME_SCALE = 60
PORTS = Ports(azure=7080, control=7081, host=7071, blob=10000, queue=10001, table=10002)

_TO_TRY = """
Running. Azure's time goes {scale} times faster here: an onboarding of ten minutes takes some ten seconds.

  the host            {host}
  Azure               {arm}
  control endpoint    {control}   (requests, operations, resources, faults, clock: local/azure/README.md)
  logs                {folder}/*.log

Things to try, in another terminal:

  .venv/bin/python -m local.clusters create web --tag gold       create a cluster; its event starts the onboarding
  .venv/bin/python -m local.clusters list                        how the clusters stand, and why
  .venv/bin/python -m local.clusters tag web bronze              another policy
  .venv/bin/python -m local.clusters create old --stopped --tag silver
  .venv/bin/python -m local.clusters start old
  curl -s '{control}/resources?type=Microsoft.DataProtection/backupVaults/backupInstances'    ids of backup instances
  curl -s -X DELETE '{control}/resources?id=ID'    one is gone without a word
  curl -s -X POST -H "x-functions-key: {master_key}" {host}/api/fleet/reconcile   what drifted is found, and put back
  curl -s -H "x-functions-key: {function_key}" {host}/api/fleet                   how the fleet stands
  AUTOPILOT_URL={host} AUTOPILOT_KEY={master_key} \\
    python3 runbooks/restore_readiness.py back-up {web} --deep    back up, wait, check
  curl -s -X POST -H "x-functions-key: {master_key}" -d '{{}}' {host}/admin/functions/nightly_readiness    as at night
  curl -s -H "x-functions-key: {function_key}" -H "accept: text/plain" {host}/api/fleet/restore-readiness
  curl -s {control}/operations                 what Azure did when
  curl -s -X POST {control}/clock -d '{{"advance": 3600}}'      an hour passes

With the Azure CLI:

  export AZURE_CONFIG_DIR={folder}/azure-cli REQUESTS_CA_BUNDLE={ca_file}
  export IDENTITY_ENDPOINT={identity_endpoint} IDENTITY_HEADER={identity_header_owner}
  az cloud register --name Local --endpoint-resource-manager {arm} --endpoint-active-directory {arm} \\
    --endpoint-active-directory-resource-id https://management.azure.com
  az cloud set --name Local && az login --identity
  az aks list --output table

Ctrl-C stops everything.
"""


async def up(console: Console) -> None:
    """Start everything and keep it running until it is stopped.

    Raises:
        PartError: a part didn't start; a fixed port may be taken.
    """
    async with stack(FOLDER, time_scale=TIME_SCALE, ports=PORTS) as running:
        await running.subscribe()
        ready = running.azure.ready
        host = running.running_host.ready
        keys = {name: host[name] for name in ("master_key", "function_key")}
        shown = {
            "host": host["base_url"],
            "folder": FOLDER.relative_to(ROOT),
            "web": cluster_id("web"),
            **keys,
            **ready,
        }
        text = _TO_TRY.format(scale=TIME_SCALE, **shown)
        console.print(text, markup=False, highlight=False, soft_wrap=True)
        await asyncio.Event().wait()


def main() -> int:
    """Run from the command line; the exit status."""
    console = Console()
    signal.signal(signal.SIGINT, signal.default_int_handler)  # shells start background jobs with it ignored
    signal.signal(signal.SIGTERM, lambda *_: signal.raise_signal(signal.SIGINT))  # parts are stopped either way
    try:
        asyncio.run(up(console))
    except KeyboardInterrupt:
        console.print("Stopped.")
    except PartError as error:
        console.print(str(error), markup=False, highlight=False)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
