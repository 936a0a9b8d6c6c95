"""What the host prints: one line for each thing that happens, on stderr; stdout is left to the ready object."""

from __future__ import annotations

import logging
import sys
import time
from typing import Final

_FORMAT: Final = "%(asctime)s.%(msecs)03dZ %(levelname)-7s %(name)s: %(message)s"


def configure(level: str) -> None:
    """Send all logging, the app's too, to stderr; what the app prints goes the same way.

    Args:
        level: the root logger's level, INFO in Azure.
    """
    handler = logging.StreamHandler(sys.stderr)
    formatter = logging.Formatter(_FORMAT, datefmt="%Y-%m-%dT%H:%M:%S")
    formatter.converter = time.gmtime
    handler.setFormatter(formatter)
    logging.basicConfig(level=level, handlers=[handler], force=True)
    runtime_logger = logging.getLogger("azure.functions")
    runtime_logger.setLevel(logging.WARNING)
    # Each failure that the runtime logs reaches the host as well, which logs it with the function's name.
    runtime_logger.addFilter(lambda record: record.levelno != logging.ERROR)
    # The host's own requests to storage; the app's requests are logged as ever.
    logging.getLogger("local.host.requests").setLevel(logging.WARNING)
    sys.stdout = sys.stderr
