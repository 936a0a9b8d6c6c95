"""The catalogue of events as JSON Schemas: `python -m shared.notify DIR` writes one file a type of event.

Each describes the whole CloudEvent as a receiver gets it.
"""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from msgspec.json import schema_components

from shared.notify.events import DATA, EventType


def schemas() -> dict[str, dict[str, Any]]:
    """File name -> JSON Schema (2020-12)."""
    return {f"{kind}.schema.json": _schema(kind) for kind in EventType}


def _schema(kind: EventType) -> dict[str, Any]:
    shape = DATA[kind]
    (_,), components = schema_components([shape], ref_template="#/$defs/{name}")
    owner = {"type": "string", "description": "value of the cluster's owner tag, empty when it has none"}
    components[shape.__name__]["properties"]["owner"] = owner
    components[shape.__name__]["required"].append("owner")
    text = {"type": "string"}
    properties = {
        "specversion": {"const": "1.0"},
        "id": {"type": "string", "format": "uuid", "description": "the same however often the fact is told"},
        "source": {"type": "string", "description": "/aks-backup-autopilot/{deployment id}"},
        "type": {"const": str(kind)},
        "subject": {**text, "description": "ARM id of the cluster"},
        "time": {"type": "string", "format": "date-time"},
        "datacontenttype": text,
        "data": {"$ref": f"#/$defs/{shape.__name__}"},
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": str(kind),
        "type": "object",
        "properties": properties,
        "required": ["specversion", "id", "source", "type", "subject", "time", "data"],
        "$defs": components,
    }


def main(arguments: list[str] | None = None) -> int:
    """Write the schemas; the exit status."""
    parser = argparse.ArgumentParser(prog="python -m shared.notify", description=__doc__)
    parser.add_argument("folder", type=Path, help="where the schemas go, such as schemas/events")
    folder = parser.parse_args(arguments).folder
    folder.mkdir(parents=True, exist_ok=True)
    for name, schema in schemas().items():
        (folder / name).write_text(json.dumps(schema, indent=2) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
