"""What Resource Manager accepts as tags of a resource ("Use tags to organize your Azure resources").

No recording shows a refused tag: the limits are documented, the codes are known of the service.
"""

from __future__ import annotations

import re
from typing import Any

from local.azure import errors
from local.azure.errors import ArmError

_MOST = 50
_LONGEST_NAME, _LONGEST_VALUE = 512, 256
_LONGEST_NAME_OF = {"microsoft.storage/storageaccounts": 128}
_RESERVED = ("azure", "microsoft", "windows")
_FORBIDDEN = re.compile(r"[<>%&\\?/\x00-\x1f]")


def _check_name(name: str, longest: int) -> None:
    if not 1 <= len(name) <= longest:
        raise _refused(
            "InvalidTagNameLength",
            f"Tag name too large. Following tag name '{name}' exceeded the maximum length. Maximum allowed length for "
            f"tag name - '{longest}' characters.",
        )
    if _FORBIDDEN.search(name):
        raise _refused(
            "InvalidTagNameCharacters",
            f"The tag names '{name}' have reserved characters '<,>,%,&,\\,?,/' or control characters.",
        )
    if name.lower().startswith(_RESERVED):
        raise _refused("ReservedTagName", f"The tag name '{name}' starts with a reserved prefix.")


def check(tags: Any, resource_type: str) -> None:
    """Check the tags of a request's body.

    Args:
        tags: What the body has as tags; None passes.
        resource_type: Type of the resource; some take shorter names.

    Raises:
        ArmError: They can't be set.
    """
    if tags is None:
        return
    if not isinstance(tags, dict):
        raise errors.invalid_content("tags must be an object.")
    if len(tags) > _MOST:
        raise _refused(
            "TooManyTags", f"The tag count '{len(tags)}' exceeds the maximum of '{_MOST}' tags per resource."
        )
    if len({name.lower() for name in tags}) < len(tags):
        raise _refused("AmbiguousTagNames", "The tags have names that differ only in case; names of tags have no case.")
    longest = _LONGEST_NAME_OF.get(resource_type.lower(), _LONGEST_NAME)
    for name, value in tags.items():
        _check_name(name, longest)
        if len(str(value)) > _LONGEST_VALUE:
            raise _refused(
                "InvalidTagValueLength",
                f"Tag value too large. Following tag value '{value}' exceeded the maximum length. Maximum allowed "
                f"length for tag value - '{_LONGEST_VALUE}' characters.",
            )


def _refused(code: str, message: str) -> ArmError:
    return errors.gateway(400, code, message)
