"""All HTTP endpoints. A new one is an entry here, its structs and its handler; docs/development.md shows how."""

from shared.api.endpoint import CLUSTER, Endpoint, Good, PathPart, Refusal

_UUID = "[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}"

PATH_PARTS = {
    "subscriptionId": PathPart(_UUID, "InvalidCluster", "the cluster's subscription"),
    "resourceGroup": PathPart(r"[\w\-.()]{0,89}[\w\-()]", "InvalidCluster", "the cluster's resource group"),
    "clusterName": PathPart(r"[A-Za-z0-9]([A-Za-z0-9_\-]{0,61}[A-Za-z0-9])?", "InvalidCluster", "the cluster's name"),
    "jobId": PathPart(_UUID, "InvalidJobId", "a job's id, a UUID"),
}
"""What may stand in a route; the three that name a cluster are checked together, by `ClusterId.parse`."""

_UNKNOWN = Refusal(404, "ClusterNotFound", "the app has never looked at this cluster")

ENDPOINTS = (
    Endpoint(
        "openapi",
        "GET",
        "openapi.json",
        "This document",
        "api.openapi:show",
        (Good(200, "", "OpenAPI 3.1"),),
    ),
    Endpoint(
        "fleet",
        "GET",
        "fleet",
        "How the fleet stands: counts of all, and a page of clusters, the worst first",
        "api.clusters:fleet",
        (Good(200, "api.views:FleetView", "counts, and the clusters asked for", "api.status_pages:fleet"),),
        query="api.queries:FleetQuery",
    ),
    Endpoint(
        "fleet_readiness",
        "GET",
        "fleet/restore-readiness",
        "Whether the clusters of the fleet could be restored, the worst first",
        "api.fleet_readiness:show",
        (Good(200, "api.fleet_readiness:FleetReadiness", "counts, and the clusters asked for"),),
        query="api.queries:FleetReadinessQuery",
    ),
    Endpoint(
        "cluster_status",
        "GET",
        CLUSTER,
        "How a cluster stands: state, conditions, backups",
        "api.clusters:status",
        (Good(200, "api.views:ClusterView", "the cluster", "api.status_pages:cluster"),),
        refusals=(_UNKNOWN,),
    ),
    Endpoint(
        "cluster_plan",
        "GET",
        f"{CLUSTER}/plan",
        "What a pass over a cluster would do, step by step, and what its policy costs; nothing is written",
        "api.governance:plan",
        (Good(200, "api.views:PlanView", "the plan"),),
        query="api.queries:PlanQuery",
    ),
    Endpoint(
        "governance",
        "GET",
        "governance",
        "What the app may do now: act or observe, pause, quiet window, caps",
        "api.governance:show",
        (Good(200, "api.views:GovernanceView", "what it may do"),),
    ),
    Endpoint(
        "pause",
        "POST",
        "governance/pause",
        "Stop all writes to Azure within a second, or let them go on",
        "api.governance:pause",
        (Good(200, "api.views:GovernanceView", "how it stands now"),),
        body="api.queries:PauseOptions",
        changes=True,
    ),
    Endpoint(
        "back_up_now",
        "POST",
        f"{CLUSTER}/backups",
        "Start a backup",
        "api.backups:back_up",
        (
            Good(202, "api.views:BackupStarted", "started; Location is where its job is", located=True),
            Good(200, "api.views:BackupStarted", "of a dry run: nothing stands in the way, nothing was started"),
        ),
        body="api.queries:BackupOptions",
        refusals=(
            _UNKNOWN,
            Refusal(404, "NotProtected", "no backup instance of this cluster is known"),
            Refusal(409, "BackupStarting", "another one was started within ten minutes"),
            Refusal(409, "BackupRunning", "a job runs"),
            Refusal(409, "NotProtected", "the protection isn't configured, or stopped"),
            Refusal(429, "DailyLimitReached", "Azure allows ten on-demand backups a day (UTC)"),
        ),
        changes=True,
    ),
    Endpoint(
        "cluster_jobs",
        "GET",
        f"{CLUSTER}/jobs",
        "A cluster's jobs of the last 14 days, the newest first",
        "api.jobs:jobs",
        (Good(200, "api.views:JobList", "the jobs asked for"),),
        query="api.queries:JobsQuery",
        refusals=(_UNKNOWN,),
    ),
    Endpoint(
        "cluster_job",
        "GET",
        f"{CLUSTER}/jobs/{{jobId}}",
        "One job, as its vault says",
        "api.jobs:job",
        (Good(200, "api.views:JobView", "the job; endTime is null while it runs"),),
        refusals=(_UNKNOWN, Refusal(404, "JobNotFound", "no such job of this cluster")),
    ),
    Endpoint(
        "restore_tests",
        "GET",
        f"{CLUSTER}/restore-tests",
        "A cluster's real restores: recorded tests, and jobs that the sweep saw",
        "api.restore_tests:show",
        (Good(200, "api.restore_tests:RestoreTestList", "the newest first"),),
        refusals=(_UNKNOWN,),
    ),
    Endpoint(
        "record_restore_test",
        "POST",
        f"{CLUSTER}/restore-tests",
        "Record how a real restore went",
        "api.restore_tests:record",
        (
            Good(201, "api.restore_tests:RestoreTestView", "recorded"),
            Good(200, "api.restore_tests:RestoreTestView", "recorded before, just so"),
        ),
        body="api.queries:NewRestoreTest",
        refusals=(_UNKNOWN, Refusal(409, "RestoreTestDiffers", "another test was recorded under this id")),
        changes=True,
    ),
)
