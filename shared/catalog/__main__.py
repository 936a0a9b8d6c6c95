"""Work on a catalog from the command line: `python -m shared.catalog check FILE`.

`check` prints every fault and exits with 1, or with 0 when there is none. `stamp` checks too and leaves the stamp that
lets the app start without checking again.
"""

import argparse
import sys
from pathlib import Path

from shared.catalog.loading import load
from shared.catalog.stamp import digest, stamp_path
from shared.errors import CatalogError


def main(arguments: list[str] | None = None) -> int:
    """Run; the exit status."""
    parser = argparse.ArgumentParser(prog="python -m shared.catalog", description="Checks a backup policy catalog.")
    parser.add_argument("command", choices=("check", "stamp"))
    parser.add_argument("file", type=Path, help="the catalog, such as backup-policies.yaml")
    options = parser.parse_args(arguments)
    try:
        catalog = load(options.file)
    except CatalogError as error:
        print(error, file=sys.stderr)  # noqa: T201  # a command prints
        return 1
    if options.command == "stamp":
        stamp_path(options.file).write_text(f"{digest(options.file)}\n")
    print(f"{options.file}: {len(catalog.policies)} policies, {len(catalog.vault_profiles)} vault profiles, no faults")  # noqa: T201  # as above
    return 0


if __name__ == "__main__":
    sys.exit(main())
