"""Reading jobs (dp_job_list_and_show.json)."""

from __future__ import annotations

import base64
import datetime as dt
from urllib.parse import quote, urlencode

from local.azure.data_protection import job_documents
from local.azure.data_protection.dialect import JOBS, invalid_input, not_found, vault_of
from local.azure.data_protection.moments import parse
from local.azure.exchange import Call, Reply
from local.azure.routing import Route
from local.azure.store import Resource
from local.azure.throttle import provider_budget

LISTED_DAYS = 14
"""How far back a vault's list goes. Inferred: the recorded one of 8 May begins on 24 April with what was there every
day at two times, and two days more were to be had from Resource Graph."""

_PAGE = 1000  # chosen: the recorded list of 30 is whole
_BUDGET = provider_budget(200)


def _list(call: Call) -> Reply:
    """Jobs in the order of their starts. No filter of it is known: neither recordings nor the SDK have one."""
    if call.parameter("$filter"):
        raise invalid_input("The list of jobs has no $filter.")
    vault = vault_of(call)
    oldest = call.at - dt.timedelta(days=LISTED_DAYS)
    jobs = [job for job in call.cloud.store.children(vault.id, JOBS) if not job_documents.is_in_pair(job.body)]
    found = sorted((_place(job), job) for job in jobs if _begun(job) >= oldest)
    token = call.parameter("$skipToken")
    if token:
        last = _read(token)
        found = [entry for entry in found if entry[0] > last]
    page = [job_documents.listed(job.body) for _, job in found[:_PAGE]]
    more = len(found) > _PAGE
    return Reply(200, {"value": page, "nextLink": _next(call, found[_PAGE - 1][0]) if more else None})


def _begun(job: Resource) -> dt.datetime:
    return parse(job.properties.get("startTime")) or dt.datetime.min.replace(tzinfo=dt.UTC)


def _place(job: Resource) -> tuple[str, str]:
    return _begun(job).isoformat(), job.name


def _next(call: Call, place: tuple[str, str]) -> str:
    token = base64.urlsafe_b64encode("|".join(place).encode()).decode()
    query = urlencode({"api-version": call.version, "$skipToken": token})
    return f"{call.cloud.base_url}{quote(call.id)}?{query}"


def _read(token: str) -> tuple[str, str]:
    try:
        begun, _, name = base64.urlsafe_b64decode(token).decode().partition("|")
    except ValueError as error:
        raise invalid_input("$skipToken isn't one of this list.") from error
    return begun, name


def _get(call: Call) -> Reply:
    job = call.stored()
    if job is None or job_documents.is_in_pair(job.body):
        raise not_found()
    return Reply(200, job.body)


ROUTES = (
    Route("GET", "backupVaults/{vault}/backupJobs", _list, _BUDGET),
    Route("GET", "backupVaults/{vault}/backupJobs/{job}", _get, _BUDGET),
)
