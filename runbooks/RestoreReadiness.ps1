#Requires -Version 7.2
<#
.SYNOPSIS
    Asks AKS Backup Autopilot whether clusters could be restored, and fails when they couldn't.

.DESCRIPTION
    -Action Check    one cluster, before an upgrade: the runbook fails unless it is ready
    -Action BackUp   backs it up, waits for the job, then checks
    -Action Fleet    all clusters, for a nightly schedule: those that aren't ready, the worst first

    A runbook of type PowerShell 7.2 for Azure Automation; it needs no modules. Where the app is, and who asks, comes
    from parameters, or else from Automation variables or environment variables of these names:

    AUTOPILOT_URL        https://APP.azurewebsites.net
    AUTOPILOT_KEY        function key; for BackUp the admin key (_master). Or, without a key in anybody's hands:
    AUTOPILOT_AUDIENCE   App ID URI of the app's Entra registration: the managed identity of the Automation account
                         asks for a token. AUTOPILOT_CLIENT_ID names a user-assigned one

.EXAMPLE
    ./RestoreReadiness.ps1 -Action Check -ClusterId $id -Deep $true
#>
[CmdletBinding()]
param(
    [Parameter(Mandatory)] [ValidateSet('Check', 'BackUp', 'Fleet')] [string] $Action,
    [string] $ClusterId = '',
    [string] $Target = '',
    [bool] $Deep = $false,
    [bool] $AcceptAtRisk = $false,
    [int] $MaxWaitSeconds = 900,
    [string] $Url = '',
    [string] $Audience = ''
)

$ErrorActionPreference = 'Stop'
Set-StrictMode -Version Latest

$PageSize = 200
$Tries = 4
$RequestSeconds = 230  # the longest that Azure lets a function answer
$ClusterPattern = '^/subscriptions/([0-9a-fA-F-]{36})/resourceGroups/([\w\-.()]{1,90})' +
    '/providers/Microsoft\.ContainerService/managedClusters/([A-Za-z0-9_-]{1,63})$'

function Get-Setting {
    # A parameter, else an environment variable, else an Automation variable; '' for none.
    param([string] $Name, [string] $Given = '')
    if ($Given) { return $Given }
    $value = [Environment]::GetEnvironmentVariable($Name)
    if (-not $value -and (Get-Command -Name Get-AutomationVariable -ErrorAction SilentlyContinue)) {
        $value = Get-AutomationVariable -Name $Name -ErrorAction SilentlyContinue
    }
    if ($value) { return [string] $value } else { return '' }
}

function Get-IdentityToken {
    # A token of the managed identity that this runs as.
    param([string] $Resource)
    $query = "?resource=$([uri]::EscapeDataString($Resource))&api-version=2019-08-01"
    $client = Get-Setting -Name 'AUTOPILOT_CLIENT_ID'
    if ($client) { $query += "&client_id=$([uri]::EscapeDataString($client))" }
    $headers = @{ 'X-IDENTITY-HEADER' = $env:IDENTITY_HEADER; 'Metadata' = 'true' }
    return (Invoke-RestMethod -Uri "$($env:IDENTITY_ENDPOINT)$query" -Headers $headers -TimeoutSec 30).access_token
}

function Get-AppHeaders {
    $headers = @{ 'Accept' = 'application/json' }
    $key = Get-Setting -Name 'AUTOPILOT_KEY'
    $resource = Get-Setting -Name 'AUTOPILOT_AUDIENCE' -Given $Audience
    if ($key) { $headers['x-functions-key'] = $key }
    if ($resource) { $headers['Authorization'] = "Bearer $(Get-IdentityToken -Resource $resource)" }
    if (-not $key -and -not $resource) { throw 'Set AUTOPILOT_KEY or AUTOPILOT_AUDIENCE: nobody may ask unnamed.' }
    return $headers
}

function Get-Pause {
    # Seconds after which the app wants to be asked again.
    param($Headers)
    $given = 0
    if ($Headers.ContainsKey('Retry-After') -and [int]::TryParse([string] $Headers['Retry-After'][0], [ref] $given)) {
        return [Math]::Min($given, 60)
    }
    return 5
}

function Invoke-App {
    # One question. Reading is tried again while the app is in trouble; changing something isn't.
    param([string] $Method, [string] $Path, [string] $Body = '')
    $request = @{
        Method             = $Method
        Uri                = "$BaseUrl$Path"
        Headers            = $AppHeaders
        TimeoutSec         = $RequestSeconds
        SkipHttpErrorCheck = $true
        MaximumRedirection = 0  # a redirect would take the key along
    }
    if ($Body) { $request['Body'] = $Body; $request['ContentType'] = 'application/json' }
    $left = if ($Method -eq 'GET') { $Tries } else { 1 }
    while ($true) {
        $left--
        $response = Invoke-WebRequest @request
        $passing = @(408, 429, 500, 502, 503, 504) -contains [int] $response.StatusCode
        if (-not $passing -or $left -le 0) { break }
        Start-Sleep -Seconds (Get-Pause -Headers $response.Headers)
    }
    $said = @{}
    if ($response.Content) { $said = $response.Content | ConvertFrom-Json -AsHashtable }
    return @{ Status = [int] $response.StatusCode; Headers = $response.Headers; Body = $said }
}

function Get-LocationPath {
    # The path of a Location; the key goes to the app only, wherever it points.
    param($Headers)
    if (-not $Headers.ContainsKey('Location')) { throw 'The app answered 202 without a Location.' }
    $there = [uri]::new([uri] "$BaseUrl/", [string] $Headers['Location'][0])
    if ($there.GetLeftPart('Authority') -ne ([uri] $BaseUrl).GetLeftPart('Authority')) {
        throw "The app points to $there, which isn't at $BaseUrl."
    }
    return $there.PathAndQuery
}

function Wait-App {
    # Ask until the answer is there: a check that takes longer says with 202 where to look for it.
    param([string] $Path)
    $answer = Invoke-App -Method 'GET' -Path $Path
    while ($answer.Status -eq 202) {
        if ((Get-Date) -gt $Deadline) { throw "No answer within $MaxWaitSeconds s." }
        Start-Sleep -Seconds (Get-Pause -Headers $answer.Headers)
        $answer = Invoke-App -Method 'GET' -Path (Get-LocationPath -Headers $answer.Headers)
    }
    if ($answer.Status -ne 200) { throw "$($answer.Status) $($answer.Body['reason']): $($answer.Body['detail'])" }
    return $answer.Body
}

function Get-ClusterPath {
    $found = [regex]::Match($ClusterId.Trim(), $ClusterPattern)
    if (-not $found.Success) { throw "Not the ARM id of a managed cluster: $ClusterId" }
    $parts = @(1, 2, 3) | ForEach-Object { [uri]::EscapeDataString($found.Groups[$_].Value) }
    return "/api/clusters/$($parts -join '/')"
}

function Test-Good {
    param([string] $Verdict)
    return $Verdict -eq 'Ready' -or ($AcceptAtRisk -and $Verdict -eq 'AtRisk')
}

function Test-Cluster {
    # Whether the cluster could be restored; throws when it couldn't.
    $query = @()
    if ($Deep) { $query += 'deep=true' }
    if ($Target) { $query += "target=$([uri]::EscapeDataString($Target))" }
    $path = "$(Get-ClusterPath)/restore-readiness"
    if ($query) { $path += "?$($query -join '&')" }
    $answer = Wait-App -Path $path
    Write-Output "$($answer['verdict']): $($answer['reason'])"
    foreach ($check in $answer['checks']) {
        if ($check['status'] -ne 'pass') {
            Write-Output "  $($check['status']) $($check['id']): $($check['message'])"
            if ($check['fix']) { Write-Output "    fix: $($check['fix'])" }
        }
    }
    if (-not (Test-Good -Verdict $answer['verdict'])) { throw "$ClusterId is $($answer['verdict'])." }
}

function Wait-Job {
    param([string] $Path, [string] $JobId)
    while ((Get-Date) -lt $Deadline) {
        if ($JobId) {
            $job = (Invoke-App -Method 'GET' -Path "$Path/jobs/$JobId").Body
        }
        else {
            # Azure didn't name it: it is the newest on-demand one
            $jobs = @((Invoke-App -Method 'GET' -Path "$Path/jobs?operation=on-demand").Body['value'])
            $job = if ($jobs) { $jobs[0] } else { @{} }
        }
        if ($job['endTime']) { return $job }
        Start-Sleep -Seconds 5
    }
    throw "The backup's job hasn't ended within $MaxWaitSeconds s."
}

function Invoke-Backup {
    # Back up, wait for the job, and check.
    $path = Get-ClusterPath
    $answer = Invoke-App -Method 'POST' -Path "$path/backups" -Body '{}'
    while ($answer.Status -eq 409 -and (Get-Date) -lt $Deadline) {
        Write-Output "waiting: $($answer.Body['reason'])"
        Start-Sleep -Seconds 30
        $answer = Invoke-App -Method 'POST' -Path "$path/backups" -Body '{}'
    }
    if ($answer.Status -ne 202) { throw "The backup wasn't started: $($answer.Body['reason']): $($answer.Body['detail'])" }
    $job = Wait-Job -Path $path -JobId ([string] $answer.Body['jobId'])
    Write-Output "backup $($job['status']) $($job['errorCode'])"
    $whole = $job['status'] -eq 'Completed' -or ($AcceptAtRisk -and $job['status'] -eq 'CompletedWithWarnings')
    if (-not $whole) { throw "The backup of $ClusterId ended as $($job['status'])." }
    Test-Cluster
}

function Test-Fleet {
    # All clusters; throws when one isn't ready.
    $bad = @()
    for ($skip = 0; $true; $skip += $PageSize) {
        $body = Wait-App -Path "/api/fleet/restore-readiness?top=$PageSize&skip=$skip"
        $items = @($body['items'])
        $bad += @($items | Where-Object { -not (Test-Good -Verdict $_['verdict']) })
        if ($items.Count -lt $PageSize) { break }
    }
    $counts = $body['byVerdict'].GetEnumerator() | ForEach-Object { "$($_.Key) $($_.Value)" }
    Write-Output ($counts -join ', ')
    foreach ($item in $bad) { Write-Output "$($item['verdict']) $($item['clusterId']): $($item['reason'])" }
    if ($bad) { throw "$(@($bad).Count) clusters couldn't be restored, or nobody knows." }
}

$BaseUrl = (Get-Setting -Name 'AUTOPILOT_URL' -Given $Url).TrimEnd('/')
if (-not $BaseUrl.StartsWith('https://')) { throw 'AUTOPILOT_URL must be the app''s address, such as https://APP.azurewebsites.net' }
$AppHeaders = Get-AppHeaders
$Deadline = (Get-Date).AddSeconds($MaxWaitSeconds)
switch ($Action) {
    'Check' { Test-Cluster }
    'BackUp' { Invoke-Backup }
    'Fleet' { Test-Fleet }
}
