"""The managed identity endpoint, in the form that App Service and Functions give to an app.

GET `?api-version=2019-08-01&resource=...` with the header `X-IDENTITY-HEADER`; the header's value decides whose token
it is. It may be plain http, as in Azure.
"""

from __future__ import annotations

import secrets

from aiohttp import web

from local.azure.cloud import Cloud
from local.azure.directory import Principal
from local.azure.tokens import Tokens

_VERSIONS = frozenset({"2019-08-01", "2017-09-01"})
_SELECTORS = ("client_id", "object_id", "principal_id", "mi_res_id", "clientid")


class IdentityEndpoint:
    """Hands out tokens.

    Attributes:
        headers: Values of `X-IDENTITY-HEADER` by caller: `app` and `owner`.
    """

    def __init__(self, cloud: Cloud, tokens: Tokens) -> None:
        self._cloud = cloud
        self._tokens = tokens
        self.headers = {"app": secrets.token_hex(16).upper(), "owner": secrets.token_hex(16).upper()}

    async def answer(self, request: web.Request) -> web.Response:
        """Answer a request for a token."""
        principal = self._caller(request)
        if principal is None:
            return _refused(401, "The X-IDENTITY-HEADER header is missing or wrong.")
        if request.query.get("api-version") not in _VERSIONS:
            return _refused(400, "The api-version must be 2019-08-01.")
        resource = request.query.get("resource", "")
        if not resource:
            return _refused(400, "The resource parameter is required.")
        if not self._names(request, principal):
            return _refused(400, "No User Assigned or Delegated Managed Identity found for specified parameters.")
        token, expires = self._tokens.issue(principal, resource)
        return web.json_response(
            {
                "access_token": token,
                "expires_on": str(expires),
                "resource": resource,
                "token_type": "Bearer",
                "client_id": principal.client_id,
            }
        )

    def _caller(self, request: web.Request) -> Principal | None:
        given = request.headers.get("X-IDENTITY-HEADER", "")
        callers = {"app": self._cloud.app, "owner": self._cloud.owner}
        for name, value in self.headers.items():
            if secrets.compare_digest(given.encode(), value.encode()):
                return callers[name]
        return None

    @staticmethod
    def _names(request: web.Request, principal: Principal) -> bool:
        """Whether the identity that the request asks for by id is the caller's."""
        own = {principal.client_id.lower(), principal.object_id.lower(), principal.resource_id.lower()}
        return all(request.query[key].lower() in own for key in _SELECTORS if request.query.get(key))


def _refused(status: int, message: str) -> web.Response:
    return web.json_response({"statusCode": status, "message": message}, status=status)
