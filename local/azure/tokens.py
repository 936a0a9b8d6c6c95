"""Access tokens in the shape of JWTs; they say who calls."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
import time
from typing import Any

from local.azure import errors
from local.azure.directory import Directory, Principal

LIFETIME = 24 * 60 * 60
"""Seconds of real time; that of a managed identity's token."""


class Tokens:
    """Makes and reads tokens; they end with the process, because its key does."""

    def __init__(self, directory: Directory, tenant: str, audiences: frozenset[str]) -> None:
        self._directory = directory
        self._tenant = tenant
        self.audiences = audiences
        self._key = secrets.token_bytes(32)

    def issue(self, principal: Principal, resource: str) -> tuple[str, int]:
        """A token for a resource and its expiry in seconds since the epoch."""
        now = int(time.time())
        claims = {
            "aud": resource,
            "iss": f"https://sts.windows.net/{self._tenant}/",
            "iat": now,
            "nbf": now,
            "exp": now + LIFETIME,
            "appid": principal.client_id,
            "idtyp": "app",
            "oid": principal.object_id,
            "sub": principal.object_id,
            "tid": self._tenant,
            "ver": "1.0",
            "xms_mirid": principal.resource_id,
        }
        signed = f"{_encode({'typ': 'JWT', 'alg': 'HS256'})}.{_encode(claims)}"
        return f"{signed}.{self._sign(signed)}", now + LIFETIME

    def caller(self, authorization: str | None, audiences: frozenset[str] | None = None) -> Principal:
        """Who an Authorization header names, with a token for one of `audiences` (default: Resource Manager's).

        Raises:
            ArmError: 401; there is no token, or it can't be used.
        """
        scheme, _, token = (authorization or "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise errors.authentication_failed()
        signed, _, signature = token.strip().rpartition(".")
        if not hmac.compare_digest(signature, self._sign(signed)):
            raise errors.invalid_token("The access token is invalid.")
        claims = _decode(signed.partition(".")[2])
        if claims["exp"] <= time.time():
            moment, now = _spelled(claims["exp"]), _spelled(time.time())
            reason = f"The access token expiry UTC time '{moment}' is earlier than current UTC time '{now}'."
            raise errors.invalid_token(reason, "ExpiredAuthenticationToken")
        allowed = self.audiences if audiences is None else audiences
        if claims["aud"].rstrip("/").lower() not in allowed:
            reason = (
                f"The access token has been obtained for wrong audience or resource '{claims['aud']}'. "
                f"It should exactly match with one of the allowed audiences '{','.join(sorted(allowed))}'."
            )
            raise errors.invalid_token(reason, "InvalidAuthenticationTokenAudience")
        principal = self._directory.get(claims["oid"])
        if principal is None:
            raise errors.invalid_token("The access token is from an identity that doesn't exist any more.")
        return principal

    def _sign(self, signed: str) -> str:
        digest = hmac.new(self._key, signed.encode("utf-8", "replace"), hashlib.sha256).digest()
        return base64.urlsafe_b64encode(digest).decode().rstrip("=")


def _spelled(seconds: float) -> str:
    """A moment as the gateway writes it, without leading zeros in date and hour (errors.json, 401)."""
    moment = time.gmtime(seconds)
    clock = time.strftime("%M:%S %p", moment)
    return f"{moment.tm_mon}/{moment.tm_mday}/{moment.tm_year} {(moment.tm_hour - 1) % 12 + 1}:{clock}"


def _encode(part: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=")


def _decode(part: str) -> dict[str, Any]:
    claims: dict[str, Any] = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    return claims
