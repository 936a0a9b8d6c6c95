"""The OpenAPI document as a file: `python -m shared.api schemas/api/openapi.json` writes it."""

import argparse
import sys
from pathlib import Path

from msgspec import json

from shared.api.openapi import document


def text() -> str:
    """The document as it stands in its file."""
    return json.format(json.encode(document()), indent=2).decode() + "\n"


def main(arguments: list[str] | None = None) -> int:
    """Write the document; the exit status."""
    parser = argparse.ArgumentParser(prog="python -m shared.api", description=__doc__)
    parser.add_argument("file", type=Path, help="where the document goes")
    path = parser.parse_args(arguments).file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text())
    return 0


if __name__ == "__main__":
    sys.exit(main())
