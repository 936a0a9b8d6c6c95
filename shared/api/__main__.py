"""The shapes of answers as JSON Schemas: `python -m shared.api DIR` writes one file an answer."""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from msgspec.json import schema

from shared.api.views import ClusterView, FleetView, JobView

_ANSWERS = {"cluster": ClusterView, "fleet": FleetView, "job": JobView}


def schemas() -> dict[str, dict[str, Any]]:
    """File name -> JSON Schema (2020-12)."""
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema"}
    return {f"{name}.schema.json": head | schema(shape) for name, shape in _ANSWERS.items()}


def main(arguments: list[str] | None = None) -> int:
    """Write the schemas; the exit status."""
    parser = argparse.ArgumentParser(prog="python -m shared.api", description=__doc__)
    parser.add_argument("folder", type=Path, help="where the schemas go, such as schemas/api")
    folder = parser.parse_args(arguments).folder
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in schemas().items():
        (folder / name).write_text(json.dumps(content, indent=2) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
