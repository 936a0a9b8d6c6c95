"""The function app: registers the triggers of functions/; nothing else.

Settings and catalog are checked here, so that a broken one stops the start with all its errors listed.
"""

import os

import azure.functions as func

from functions import (
    adhoc_backups,
    cluster_events,
    http,
    job_sweep,
    nightly_readiness,
    reconcile_cluster,
    reconcile_poison,
    resync_fleet,
)
from shared import startup

settings = startup.check(os.environ)

app = func.FunctionApp(http_auth_level=func.AuthLevel.FUNCTION)
_MODULES = (
    cluster_events,
    reconcile_cluster,
    reconcile_poison,
    resync_fleet,
    adhoc_backups,
    job_sweep,
    nightly_readiness,
)
for module in _MODULES:
    app.register_functions(module.blueprint)
app.register_functions(http.blueprint(settings.auth))
