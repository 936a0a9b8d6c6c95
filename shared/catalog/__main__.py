"""Work on a catalog from the command line: `python -m shared.catalog COMMAND`; `--help` lists the commands.

Results go to stdout, faults to stderr. The exit status is 0 when all is well (warnings don't change it), 1 when a file
has faults, 2 when the command line has.
"""

import argparse
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from difflib import get_close_matches
from pathlib import Path

from shared.catalog.caveats import caveats, profile_caveats
from shared.catalog.cost import TEMPLATE, Cluster, read_prices, report
from shared.catalog.diff import diff
from shared.catalog.document import Document, parse
from shared.catalog.explain import arm_json, bucket_count, explain, this_year
from shared.catalog.importing import import_policy
from shared.catalog.loading import load
from shared.catalog.model import Catalog
from shared.catalog.schema import schema_text
from shared.catalog.stamp import digest, stamp_path
from shared.errors import CatalogError

_DEFAULT = Path("backup-policies.yaml")
_MOST = 1_000_000_000


def main(arguments: list[str] | None = None) -> int:
    """Run one command; the exit status."""
    options = _parser().parse_args(arguments)
    try:
        print(_COMMANDS[options.command](options).rstrip("\n"))  # noqa: T201  # a command prints
    except CatalogError as error:
        print(error, file=sys.stderr)  # noqa: T201  # as above
        return 1
    return 0


def _check(options: argparse.Namespace) -> str:
    catalog = load(options.file)
    return "\n".join([*_warnings(options.file, catalog), _summary(options.file, catalog)])


def _stamp(options: argparse.Namespace) -> str:
    catalog = load(options.file)
    stamp_path(options.file).write_text(f"{digest(options.file)}\n")
    return _summary(options.file, catalog)


def _summary(file: Path, catalog: Catalog) -> str:
    return f"{file}: {len(catalog.policies)} policies, {len(catalog.vault_profiles)} vault profiles, no faults"


def _warnings(file: Path, catalog: Catalog) -> Iterator[str]:
    document = parse(_read(file))
    for name, profile in catalog.vault_profiles.items():
        for caveat in profile_caveats(profile):
            yield _warning(file, document, ("vaultProfiles", name, *caveat.field), caveat.text)
    for name, policy in catalog.policies.items():
        for caveat in caveats(policy, catalog):
            yield _warning(file, document, ("policies", name, *caveat.field), caveat.text)


def _warning(file: Path, document: Document, path: tuple[str, ...], text: str) -> str:
    return f"{file.name}:{document.line_of(path)}: {'.'.join(path)}: warning: {text}"


def _schema(options: argparse.Namespace) -> str:
    del options
    return schema_text()


def _explain(options: argparse.Namespace) -> str:
    catalog = load(options.file)
    policy = catalog.policies.get(options.name)
    if policy is None:
        near = get_close_matches(options.name, catalog.policies, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(catalog.policies) or 'none'}"
        raise _refused(f"{options.file.name}: no policy {options.name!r}; {hint}")
    if not options.json:
        return explain(options.name, catalog, this_year())
    if policy.existing.policy:
        raise _refused(f"{options.name} is an existing policy, not made of the catalog: {policy.existing.policy}")
    if options.bucket >= bucket_count(policy.schedule):
        raise _refused(f"{options.name} has no bucket {options.bucket}; from 0 to {bucket_count(policy.schedule) - 1}")
    return arm_json(policy, options.bucket)


def _refused(fault: str) -> CatalogError:
    return CatalogError("Backup policy catalog", [fault])


def _diff(options: argparse.Namespace) -> str:
    return diff(load(options.old), load(options.new))


def _import(options: argparse.Namespace) -> str:
    return import_policy(_read(options.policy), options.policy.name, name=options.name, profile=options.profile)


def _cost(options: argparse.Namespace) -> str:
    if options.template:
        return TEMPLATE
    prices = read_prices(_read(options.prices), options.prices.name) if options.prices else None
    cluster = Cluster(options.namespaces, options.disks, options.gib, options.change_percent / 100)
    return report(load(options.file), cluster, prices)


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise CatalogError("File", [f"{file.name}: can't be read: {error}"]) from error


_COMMANDS: Mapping[str, Callable[[argparse.Namespace], str]] = {
    "check": _check,
    "stamp": _stamp,
    "schema": _schema,
    "explain": _explain,
    "diff": _diff,
    "import": _import,
    "cost": _cost,
}


def _number(least: float, most: float) -> Callable[[str], float]:
    def number(text: str) -> float:
        value = float(text)
        if not least <= value <= most:
            raise argparse.ArgumentTypeError(f"wanted: a number from {least:g} to {most:g}")
        return value

    return number


def _count(text: str) -> int:
    value = int(text)
    if not 0 <= value <= _MOST:
        raise argparse.ArgumentTypeError(f"wanted: a whole number from 0 to {_MOST}")
    return value


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m shared.catalog", description="Work on a backup policy catalog.")
    commands = parser.add_subparsers(dest="command", required=True)
    check = commands.add_parser("check", help="print every fault and warning of a catalog")
    check.add_argument("file", type=Path, help="the catalog, such as backup-policies.yaml")
    stamp = commands.add_parser("stamp", help="check, and leave the stamp that lets the app start without checking")
    stamp.add_argument("file", type=Path, help="the catalog")
    commands.add_parser("schema", help="print the catalog's JSON Schema")
    words = commands.add_parser("explain", help="say what a policy means, and what it becomes in Azure")
    words.add_argument("name", help="name of the policy")
    words.add_argument("--json", action="store_true", help="print only the ARM policy")
    words.add_argument("--bucket", type=_count, default=0, help="with --json: of which start time, from 0")
    compare = commands.add_parser("diff", help="say what another catalog would do to the clusters that use it")
    compare.add_argument("old", type=Path, help="the catalog as it is")
    compare.add_argument("new", type=Path, help="the catalog as it would be")
    bring = commands.add_parser("import", help="print the catalog entry of a policy that the Azure CLI shows")
    bring.add_argument("policy", type=Path, help="JSON, from `az dataprotection backup-policy show`")
    bring.add_argument("--name", help="name of the entry; the policy's own, if none is given")
    bring.add_argument("--profile", default="standard", help="vault profile of the entry (%(default)s)")
    cost = commands.add_parser("cost", help="count what each policy keeps of a cluster, and price it")
    cost.add_argument("--prices", type=Path, help="a price file; without it, quantities only")
    cost.add_argument("--template", action="store_true", help="print an empty price file")
    usual = Cluster()
    for option, kind, default, meaning in (
        ("--namespaces", _count, usual.namespaces, "protected namespaces"),
        ("--disks", _count, usual.disks, "disks"),
        ("--gib", _number(0, _MOST), usual.gib, "GiB used on the disks together"),
        ("--change-percent", _number(0, 100), usual.change * 100, "percent of them that changes a day"),
    ):
        cost.add_argument(option, type=kind, default=default, help=f"{meaning} (%(default)s)")
    for command in (words, cost):
        command.add_argument("--file", type=Path, default=_DEFAULT, help="the catalog (%(default)s)")
    return parser


if __name__ == "__main__":
    try:
        status = main()
        sys.stdout.flush()
    except BrokenPipeError:  # whoever reads has read enough, as `head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        status = 0
    sys.exit(status)
