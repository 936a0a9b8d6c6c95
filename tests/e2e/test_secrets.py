"""What the log must not hold, after everything that the modules before this one made the app do."""

from __future__ import annotations

import re
from typing import Final

from tests.e2e.events import CLAIMS
from tests.e2e.fleet import Fleet

_AZURITE_KEY: Final = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
_FORBIDDEN: Final = {
    "a token": re.compile(r"eyJ[\w-]{8,}\.[\w-]{8,}|Bearer ", re.IGNORECASE),
    "a signature": re.compile(r"[?&](sig|s|h|c|code)=", re.IGNORECASE),
    "a connection string": re.compile(r"AccountKey=|SharedAccessSignature|" + re.escape(_AZURITE_KEY)),
    "personal data": re.compile(r"fictitious|invented|203\.0\.113\.|198\.51\.100\.|@(contoso|fabrikam)", re.IGNORECASE),
    "claims": re.compile(r"schemas\.xmlsoap\.org|\bclaims\b|\"evidence\""),
}


async def test_nothing_confidential_is_logged(app: Fleet) -> None:
    """No token, key, signed URL or claim: neither when all goes well nor when something fails."""
    await app.fault("/confidential/providers/.*/extensions", status=500, times=3)
    await app.fault("-confidential-.*/storageAccounts/", "drop")
    cluster = await app.seed_cluster("confidential", "gold")
    await app.announce_in_both_schemas(cluster)
    await app.protected(cluster)
    ready = app.parts.azure.ready
    keys = [app.parts.running_host.ready[f"{name}_key"] for name in ("master", "function", "eventgrid")]
    secrets = [*keys, *CLAIMS.values(), ready["identity_header"], ready["identity_header_owner"]]
    # the host prints its ready object, keys included, on standard output; the log is what is on standard error
    lines = [line for line in app.log.splitlines() if not line.startswith('{"base_url": ')]
    assert any(f"state cluster={cluster} state=Protected" in line for line in lines)
    assert [line for line in lines if any(secret in line for secret in secrets)] == []
    found = [(what, line) for line in lines for what, pattern in _FORBIDDEN.items() if pattern.search(line)]
    assert found == []
