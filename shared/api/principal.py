"""Who asks, where App Service Authentication says it.

The platform puts the claims of a token that it has checked into the header X-MS-CLIENT-PRINCIPAL, and takes that header
from what clients send ("Work with user identities in Azure App Service authentication"). That holds only where it is
switched on, so the app doesn't start in this mode unless the platform says that it is.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping

import msgspec
from msgspec import Struct, field

from shared.api.problems import Problem

READ, OPERATE = "Autopilot.Read", "Autopilot.Operate"
"""App roles of the app's registration in Entra ID; the second one includes the first."""

_HEADER = "X-MS-CLIENT-PRINCIPAL"
_PROVIDER = "aad"
_ROLES = frozenset({"roles", "http://schemas.microsoft.com/ws/2008/06/identity/claims/role"})
_OBJECT_IDS = frozenset({"oid", "http://schemas.microsoft.com/identity/claims/objectidentifier"})
_GUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_BEARER = {"WWW-Authenticate": "Bearer"}


class _Claim(Struct):
    typ: str = ""
    val: str = ""


class _Principal(Struct):
    auth_typ: str = ""
    claims: list[_Claim] = field(default_factory=list)


def caller(headers: Mapping[str, str], *, changes: bool) -> str:
    """Who asks: "entra:" and the object id of a user or an application that has the role that it takes.

    Args:
        headers: of the request; names have no case.
        changes: whether something is to be changed, which takes the role Autopilot.Operate.

    Raises:
        Problem: 401 without a principal of Entra ID, 403 without the role.
    """
    principal = _read(headers.get(_HEADER) or "")
    roles = {claim.val for claim in principal.claims if claim.typ in _ROLES}
    if not roles & ({OPERATE} if changes else {READ, OPERATE}):
        wanted = OPERATE if changes else f"{READ} or {OPERATE}"
        raise Problem(403, "RoleMissing", f"this takes the app role {wanted}; ask the operator of this app for it")
    return _name(principal)


def signed_in(headers: Mapping[str, str]) -> str:
    """The same name, whatever role it has; "" for nobody."""
    try:
        return _name(_read(headers.get(_HEADER) or ""))
    except Problem:
        return ""


def _name(principal: _Principal) -> str:
    ids = [claim.val for claim in principal.claims if claim.typ in _OBJECT_IDS and _GUID.fullmatch(claim.val)]
    return f"entra:{ids[0].lower()}" if ids else "entra"


def _read(text: str) -> _Principal:
    try:
        principal = msgspec.json.decode(base64.b64decode(text, validate=True), type=_Principal)
    except (ValueError, RecursionError, msgspec.MsgspecError) as error:
        raise Problem(401, "NotSignedIn", "this takes a token of Entra ID for this app", _BEARER) from error
    if principal.auth_typ != _PROVIDER:
        raise Problem(401, "NotSignedIn", "this takes a token of Entra ID, not of another provider", _BEARER)
    return principal
