"""The function app: registers the triggers of functions/; nothing else.

Settings and catalog are checked here, so that a broken one stops the start with all its errors listed.
"""

import os

import azure.functions as func

from functions import catalog_rollout, cluster_events, reconcile_cluster, reconcile_poison
from shared import startup

startup.check(os.environ)

app = func.FunctionApp()
for module in (cluster_events, reconcile_cluster, reconcile_poison, catalog_rollout):
    app.register_functions(module.blueprint)
