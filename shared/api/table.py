"""All HTTP endpoints. A new one is an entry here, its structs and its handler; docs/development.md shows how."""

from shared.api.endpoint import CLUSTER, Endpoint, Good, PathPart, Refusal

_UUID = "[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}"

PATH_PARTS = {
    "subscriptionId": PathPart(_UUID, "InvalidCluster", "the cluster's subscription"),
    "resourceGroup": PathPart(r"[\w\-.()]{0,89}[\w\-()]", "InvalidCluster", "the cluster's resource group"),
    "clusterName": PathPart(r"[A-Za-z0-9]([A-Za-z0-9_\-]{0,61}[A-Za-z0-9])?", "InvalidCluster", "the cluster's name"),
    "operationId": PathPart(
        "[0-9]{8}-[A-Za-z0-9_-]{32}", "InvalidOperationId", "an operation's id, as Location has it"
    ),
    "jobId": PathPart(_UUID, "InvalidJobId", "a job's id, a UUID"),
}
"""What may stand in a route; the three that name a cluster are checked together, by `ClusterId.parse`."""

_UNKNOWN = Refusal(404, "ClusterNotFound", "the app has never looked at this cluster")

_OF_RESTORES = (
    Refusal(403, "SubscriptionNotAllowed", "target or staging location are outside the deployment's subscriptions"),
    Refusal(404, "ClusterNotFound", "neither Azure nor the app knows the cluster"),
)
_STILL_RUNNING = Good(
    202,
    "api.restore_views:OperationView",
    "Azure needs longer than `wait`; Location is where to come back",
    "api.readiness_pages:operation",
    located=True,
)

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
        (
            Good(
                200,
                "api.fleet_readiness:FleetReadiness",
                "counts, and the clusters asked for",
                "api.readiness_pages:fleet",
            ),
        ),
        query="api.queries:FleetReadinessQuery",
    ),
    Endpoint(
        "releases",
        "GET",
        "fleet/releases",
        "Whether clusters that lost their tags are kept from being released, because they are too many",
        "api.releases:show",
        (Good(200, "api.governance_views:ReleasesView", "since when, and which clusters wait"),),
    ),
    Endpoint(
        "lift_releases",
        "POST",
        "fleet/releases",
        "Let the releases go on for a day",
        "api.releases:lift",
        (Good(200, "api.governance_views:ReleasesView", "how they stand now; the clusters that waited are looked at"),),
        body="api.queries:Lift",
        changes=True,
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
        (Good(200, "api.governance_views:PlanView", "the plan", "api.plan_pages:plan"),),
        query="api.queries:PlanQuery",
    ),
    Endpoint(
        "governance",
        "GET",
        "governance",
        "What the app may do now: act or observe, pause, quiet window, caps",
        "api.governance:show",
        (Good(200, "api.governance_views:GovernanceView", "what it may do"),),
    ),
    Endpoint(
        "pause",
        "POST",
        "governance/pause",
        "Stop all writes to Azure within a second, or let them go on",
        "api.governance:pause",
        (Good(200, "api.governance_views:GovernanceView", "how it stands now"),),
        body="api.queries:PauseOptions",
        changes=True,
    ),
    Endpoint(
        "reconcile_now",
        "POST",
        f"{CLUSTER}/reconcile",
        "Ask for a pass over a cluster, before what events and timers ask for",
        "api.reconcile:one",
        (Good(202, "api.views:PassAsked", "asked for; Location is where the cluster's status is", located=True),),
        refusals=(Refusal(404, "ClusterNotFound", "neither the app nor Azure knows such a cluster"),),
        changes=True,
    ),
    Endpoint(
        "reconcile_fleet",
        "POST",
        "fleet/reconcile",
        "Compare the whole fleet with what is wanted now, or ask for passes over all clusters in a state",
        "api.reconcile:fleet",
        (Good(202, "api.views:FleetAsked", "asked for; Location is where the fleet's progress is", located=True),),
        body="api.queries:FleetSelection",
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
            Refusal(409, "Paused", "the app is paused: it writes nothing to Azure"),
            Refusal(409, "Observed", "the app only observes clusters of this subscription"),
            Refusal(409, "NotProtected", "the protection isn't configured, or stopped"),
            Refusal(429, "DailyLimitReached", "Azure allows ten on-demand backups a day (UTC)"),
        ),
        changes=True,
    ),
    Endpoint(
        "offboard",
        "POST",
        f"{CLUSTER}/offboard",
        "End a cluster's protection for good: list what would go, or confirm that list",
        "api.offboard:offboard",
        (
            Good(
                200, "api.governance_views:OffboardPlan", "of a dry run: what would go, and the confirmation for that"
            ),
            Good(202, "api.governance_views:OffboardPlan", "confirmed: passes end what was listed", located=True),
        ),
        body="api.queries:OffboardOptions",
        refusals=(
            _UNKNOWN,
            Refusal(409, "NeverProtected", "this app never protected the cluster"),
            Refusal(409, "StillSelected", "the cluster's tag asks for protection"),
            Refusal(409, "NotConfirmed", "no confirmation of the last dry run with these options, or too old"),
            Refusal(409, "ListChanged", "what would go isn't what the dry run showed"),
            Refusal(409, "ClusterBusy", "passes write the row all the time"),
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
    Endpoint(
        "restore_readiness",
        "GET",
        f"{CLUSTER}/restore-readiness",
        "Whether a cluster can be restored, with evidence",
        "api.readiness:readiness",
        (
            Good(200, "readiness.model:Readiness", "the verdict and all checks", "api.readiness_pages:readiness"),
            _STILL_RUNNING,
        ),
        query="api.queries:ReadinessQuery",
        refusals=_OF_RESTORES,
    ),
    Endpoint(
        "restore_request",
        "GET",
        f"{CLUSTER}/restore-request",
        "The complete restore request, as JSON and as Azure CLI commands; nothing is restored",
        "api.restore_requests:restore_request",
        (
            Good(200, "api.restore_views:RestoreRequestView", "the request", "api.readiness_pages:restore_request"),
            _STILL_RUNNING,
        ),
        query="api.queries:RestoreRequestQuery",
        refusals=(
            *_OF_RESTORES,
            Refusal(409, "NotProtected", "no backup instance protects the cluster"),
            Refusal(409, "NoRecoveryPoint", "there is no such recovery point in this tier"),
            Refusal(409, "ClusterMissing", "the cluster is gone: name a target"),
        ),
    ),
    Endpoint(
        "operation",
        "GET",
        "operations/{operationId}",
        "What a Location says: how a validation stands, and the whole answer when it has ended",
        "api.operations:operation",
        (
            Good(200, "readiness.model:Readiness", "of a readiness check", "api.readiness_pages:readiness"),
            Good(
                200,
                "api.restore_views:RestoreRequestView",
                "of a restore request",
                "api.readiness_pages:restore_request",
            ),
            _STILL_RUNNING,
        ),
        refusals=(Refusal(404, "OperationNotFound", "it isn't there, or has expired after a day"),),
    ),
)
