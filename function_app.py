"""The function app: registers the triggers of functions/; nothing else.

Settings and catalog are checked here, so that a broken one stops the start with all its errors listed.
"""

import os

import azure.functions as func

from functions import cluster_events, reconcile_cluster, reconcile_poison
from shared import startup

startup.check(os.environ)

app = func.FunctionApp()
for module in (cluster_events, reconcile_cluster, reconcile_poison):
    app.register_functions(module.blueprint)
