"""Queue output bindings, with what Azure's host makes of their values."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from local.host.model import Function
    from local.host.runtime import Datum
    from local.host.storage import Queues


class QueueOutputs:
    """Writes the values of a function's queue bindings."""

    def __init__(self, queues: Queues, *, in_base64: bool) -> None:
        self._queues = queues
        self._base64 = in_base64

    async def write(self, function: Function, values: Mapping[str, Datum]) -> None:
        """Send what an invocation left in its bindings.

        Raises:
            AzureError: storage refused a message, for example because it is longer than 64 KiB.
            ValueError: bytes that aren't UTF-8 with messageEncoding none.
        """
        for output in function.outputs:
            if output.parameter in values:
                for message in messages(values[output.parameter]):
                    await self._queues.send(output.connection, output.queue, encode(message, in_base64=self._base64))


def messages(value: Datum) -> list[bytes]:
    """The messages that one value stands for.

    Bytes are sent as they are. Text that looks like JSON is parsed, as Azure's host does it: an array becomes a message
    for each element, an object loses its white space. Lists and `QueueMessage` come from the runtime as JSON.
    """
    if value.type == "bytes":
        return [value.value]
    if value.type == "string" and not value.value.lstrip().startswith(("[", "{")):
        return [value.value.encode()]
    try:
        parsed = json.loads(value.value) if isinstance(value.value, str) else value.value
    except ValueError:
        return [value.value.encode()]
    elements = parsed if isinstance(parsed, list) else [parsed]
    return [_text(element).encode() for element in elements if element is not None]


def encode(message: bytes, *, in_base64: bool) -> str:
    """A message as it stands in the queue.

    Raises:
        ValueError: it isn't UTF-8 and there is no base64 to hide that.
    """
    return base64.b64encode(message).decode() if in_base64 else message.decode()


def decode(content: str, *, in_base64: bool) -> bytes:
    """A message as it was before it went into the queue.

    Raises:
        ValueError: it should be in base64 and isn't.
    """
    return base64.b64decode(content, validate=True) if in_base64 else content.encode()


def _text(element: Any) -> str:
    return element if isinstance(element, str) else json.dumps(element, ensure_ascii=False, separators=(",", ":"))
