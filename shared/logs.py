"""Structured log lines: one line a decision, as `event key=value ...` (logfmt), so that a search by key works anywhere.

Values are identifiers, reasons and numbers. Tokens, claims, keys and signed URLs are never passed in.
"""

import json
import logging

logger = logging.getLogger("autopilot")


def _quoted(value: object) -> str:
    text = str(value)
    plain = text and text.isascii() and text.isprintable() and not set(text) & {" ", '"', "="}
    return text if plain else json.dumps(text)


def line(event: str, /, **fields: object) -> str:
    """Format one log line; fields that are None are left out."""
    return " ".join([event, *(f"{key}={_quoted(value)}" for key, value in fields.items() if value is not None)])


def info(event: str, /, **fields: object) -> None:
    """Log what was decided."""
    logger.info(line(event, **fields))


def warning(event: str, /, **fields: object) -> None:
    """Log what somebody should look at."""
    logger.warning(line(event, **fields))
