"""App Service Authentication, which stands before the host in Azure: it checks tokens and tells the app who asks.

On when the setting WEBSITE_AUTH_ENABLED is true, which in Azure the platform sets itself. Then nobody but the platform
sets the headers X-MS-CLIENT-PRINCIPAL...: what clients send under these names is taken away ("Work with user identities
in Azure App Service authentication"). Requests without a token go on ("allow unauthenticated requests"), since Event
Grid has none. Where it is off, the headers reach the app as clients send them.

Here a token is any text; LOCAL_HOST_TOKENS names the file that says whose it is, as JSON:
`{"a token": {"id": "object id", "name": "...", "roles": ["..."]}}`.
"""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from multidict import CIMultiDict

from local.host.problems import RefusedError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from multidict import MultiMapping

_OWN: Final = "x-ms-client-principal"
_OBJECT_ID: Final = "http://schemas.microsoft.com/identity/claims/objectidentifier"
_NAME: Final = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress"
_ROLE: Final = "http://schemas.microsoft.com/ws/2008/06/identity/claims/role"


class Authentication:
    """Says what the app gets to see of a request, or that the platform refuses it."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._on = environment.get("WEBSITE_AUTH_ENABLED", "").lower() == "true"
        self._tokens = _read(environment.get("LOCAL_HOST_TOKENS"))

    def admit(self, headers: MultiMapping[str]) -> MultiMapping[str] | None:
        """The headers that the app gets for those of a client; None for a token that isn't good, which is a 401."""
        if not self._on:
            return headers
        kept = CIMultiDict((name, value) for name, value in headers.items() if not name.lower().startswith(_OWN))
        scheme, _, token = headers.get("Authorization", "").partition(" ")
        if scheme.lower() == "bearer":
            caller = self._tokens.get(token.strip())
            if caller is None:
                return None
            kept.extend(_headers(caller))
        return kept


def _headers(caller: Mapping[str, Any]) -> dict[str, str]:
    content = json.dumps(_principal(caller)).encode()
    return {
        "X-MS-CLIENT-PRINCIPAL": base64.b64encode(content).decode(),
        "X-MS-CLIENT-PRINCIPAL-ID": str(caller["id"]),
        "X-MS-CLIENT-PRINCIPAL-IDP": "aad",
        "X-MS-CLIENT-PRINCIPAL-NAME": str(caller["name"]),
    }


def _principal(caller: Mapping[str, Any]) -> dict[str, Any]:
    claims = [(_OBJECT_ID, caller["id"]), ("name", caller["name"]), *(("roles", role) for role in caller["roles"])]
    return {
        "auth_typ": "aad",
        "claims": [{"typ": kind, "val": value} for kind, value in claims],
        "name_typ": _NAME,
        "role_typ": _ROLE,
    }


def _read(file: str | None) -> dict[str, Any]:
    if not file:
        return {}
    try:
        content = json.loads(Path(file).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise RefusedError(f"{file} can't be read: {error}") from error
    if not isinstance(content, dict):
        raise RefusedError(f"{file} must hold an object")
    return content
