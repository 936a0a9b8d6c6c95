#!/usr/bin/env python3
"""Ask AKS Backup Autopilot whether clusters could be restored, and stop what must not go on when they couldn't.

    restore_readiness.py check CLUSTER [--deep] [--target CLUSTER] [--accept AtRisk] [--max-wait SECONDS]
    restore_readiness.py back-up CLUSTER [the same]   back up, wait for the job, then check
    restore_readiness.py fleet [--accept AtRisk]      all clusters, the worst first

CLUSTER is the ARM id of a managed cluster. Exit status: 0 ready; 1 not ready, or the backup failed; 2 it couldn't be
found out. One file, standard library only, Python 3.10 or later: an Azure Automation account needs no packages for it.

Where the app is, and who asks, from the environment or from Automation variables of the same names:

    AUTOPILOT_URL       https://APP.azurewebsites.net
    AUTOPILOT_KEY       function key; for back-up the admin key (_master). Or, without a key in anybody's hands:
    AUTOPILOT_AUDIENCE  App ID URI of the app's Entra registration, such as api://aks-backup-autopilot: the managed
                        identity of the Automation account asks for a token
    AUTOPILOT_TOKEN     a token that somebody else got, such as `az account get-access-token` in a pipeline
"""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass
from http.client import HTTPException
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import TextIO

try:
    import automationassets  # type: ignore[import-not-found]  # there in Azure Automation only
except ImportError:
    automationassets = None

READY, NOT_READY, UNKNOWN = 0, 1, 2
_OK, _ACCEPTED, _CONFLICT = 200, 202, 409
_PASSING = frozenset({0, 408, 429, 500, 502, 503, 504})
_TRIES = 4
_PAUSE = 5.0  # seconds between two looks, where the app names none
_LONGEST_PAUSE = 60.0
_REQUEST_SECONDS = 230.0  # the longest that Azure lets a function answer
_PAGE = 200
_CLUSTER = re.compile(
    r"/subscriptions/([0-9a-f-]{36})/resourceGroups/([\w\-.()]{1,90})"
    r"/providers/Microsoft\.ContainerService/managedClusters/([a-z0-9_-]{1,63})",
    re.IGNORECASE,
)


class NotToBeFoundOut(Exception):
    """The app couldn't be asked, or couldn't say; the message says why and what to do."""


@dataclass(frozen=True)
class Answer:
    """What the app said; status 0 is no answer at all."""

    status: int
    headers: dict[str, str]
    body: dict[str, Any]

    @property
    def retry_after(self) -> float:
        """Seconds after which to ask again."""
        text = self.headers.get("retry-after", "")
        return min(float(text), _LONGEST_PAUSE) if text.isdigit() else _PAUSE

    def reason(self) -> str:
        """Why it refused, in its own words."""
        return f"{self.status} {self.body.get('reason', '')}: {self.body.get('detail', '')}"


def setting(name: str) -> str:
    """A setting from the environment, or else from an Automation variable; "" for none."""
    value = os.environ.get(name, "")
    if not value and automationassets is not None:
        try:
            value = automationassets.get_automation_variable(name) or ""
        except automationassets.AutomationAssetNotFound:
            value = ""
    return value.strip()


class App:
    """The app's HTTP functions."""

    def __init__(self, url: str, headers: dict[str, str]) -> None:
        self._url = url.rstrip("/")
        self._headers = headers

    @classmethod
    def from_settings(cls) -> App:
        """The app that the settings name."""
        url, key, token = setting("AUTOPILOT_URL"), setting("AUTOPILOT_KEY"), setting("AUTOPILOT_TOKEN")
        here = urllib.parse.urlsplit(url).hostname in ("127.0.0.1", "localhost")
        if not url.startswith("https://") and not (here and url.startswith("http://")):
            raise NotToBeFoundOut("AUTOPILOT_URL must be the app's address, such as https://APP.azurewebsites.net")
        audience = setting("AUTOPILOT_AUDIENCE")
        if audience and not token:
            token = managed_identity_token(audience)
        if not key and not token:
            raise NotToBeFoundOut("set AUTOPILOT_KEY, AUTOPILOT_AUDIENCE or AUTOPILOT_TOKEN: nobody may ask unnamed")
        headers = {"Accept": "application/json"}
        headers |= {"x-functions-key": key} if key else {}
        headers |= {"Authorization": f"Bearer {token}"} if token else {}
        return cls(url, headers)

    def ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> Answer:
        """One question. Reading is tried again while the app or the way to it is in trouble; changing isn't."""
        tries = _TRIES if method == "GET" else 1
        for left in reversed(range(tries)):
            answer = self._once(method, path, body)
            if answer.status not in _PASSING or not left:
                return answer
            time.sleep(answer.retry_after)
        raise AssertionError("the last try returns")

    def _once(self, method: str, path: str, body: dict[str, Any] | None) -> Answer:
        data = None if body is None else json.dumps(body).encode()
        headers = self._headers | ({"Content-Type": "application/json"} if data else {})
        request = urllib.request.Request(self._url + path, data, headers, method=method)  # noqa: S310  # checked above
        try:
            with _OPENER.open(request, timeout=_REQUEST_SECONDS) as response:
                return _answer(response.status, response.headers.items(), response.read())
        except urllib.error.HTTPError as refusal:
            return _answer(refusal.code, refusal.headers.items(), refusal.read())
        except (OSError, HTTPException) as error:
            return Answer(0, {}, {"reason": "Unreachable", "detail": str(error)})

    def until_done(self, path: str, seconds: float) -> Answer:
        """Ask until the answer is there: a check that takes longer says with 202 where to look for it."""
        end = time.monotonic() + seconds
        answer = self.ask("GET", path)
        while answer.status == _ACCEPTED:
            if time.monotonic() > end:
                raise NotToBeFoundOut(f"no answer within {seconds:.0f} s; it goes on at {answer.headers['location']}")
            time.sleep(answer.retry_after)
            answer = self.ask("GET", self._path(answer.headers.get("location", "")))
        if answer.status != _OK:
            raise NotToBeFoundOut(answer.reason())
        return answer

    def _path(self, location: str) -> str:
        """The path of a Location; the key goes to the app only, wherever it points."""
        here = urllib.parse.urlsplit(self._url)
        there = urllib.parse.urlsplit(urllib.parse.urljoin(f"{self._url}/", location))
        if not location or (there.scheme, there.netloc) != (here.scheme, here.netloc):
            raise NotToBeFoundOut(f"the app points to {location[:200]!r}, which isn't at {self._url}")
        return f"{there.path}?{there.query}" if there.query else there.path


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """A redirect would take the key along."""

    def redirect_request(self, *_: object) -> None:
        return None


_OPENER = urllib.request.build_opener(_NoRedirects)


def _answer(status: int, headers: Iterable[tuple[str, str]], data: bytes) -> Answer:
    try:
        body = json.loads(data or b"{}")
    except ValueError:
        body = {"reason": "NoJson", "detail": data[:200].decode("utf-8", "replace")}
    return Answer(
        status,
        {name.lower(): value for name, value in headers},
        body if isinstance(body, dict) else {"value": body},
    )


def managed_identity_token(audience: str) -> str:
    """A token of the managed identity that this runs as (Automation account, function, virtual machine)."""
    endpoint, secret = os.environ.get("IDENTITY_ENDPOINT"), os.environ.get("IDENTITY_HEADER")
    version = "2019-08-01"
    if not endpoint:  # no App Service or Automation sandbox: the instance metadata service of a virtual machine
        endpoint, secret, version = "http://169.254.169.254/metadata/identity/oauth2/token", None, "2018-02-01"
    query = {"resource": audience, "api-version": version}
    client = setting("AUTOPILOT_CLIENT_ID")  # of a user-assigned identity
    query |= {"client_id": client} if client else {}
    headers = {"Metadata": "true"} | ({"X-IDENTITY-HEADER": secret} if secret else {})
    url = f"{endpoint}{'&' if '?' in endpoint else '?'}{urllib.parse.urlencode(query)}"
    request = urllib.request.Request(url, headers=headers)  # noqa: S310  # the platform's own address
    try:
        with _OPENER.open(request, timeout=30) as response:
            return str(json.load(response)["access_token"])
    except (OSError, HTTPException, ValueError, KeyError) as error:
        raise NotToBeFoundOut(f"no token of the managed identity for {audience}: {error}") from error


def path_of(cluster: str) -> str:
    """Where the app's functions about a cluster are."""
    found = _CLUSTER.fullmatch(cluster.strip())
    if not found:
        raise NotToBeFoundOut(f"not the ARM id of a managed cluster: {cluster[:300]!r}")
    return "/api/clusters/" + "/".join(urllib.parse.quote(part, safe="") for part in found.groups())


def check(app: App, options: argparse.Namespace) -> int:
    """Whether one cluster could be restored; READY or NOT_READY."""
    query = {"deep": "true"} if options.deep else {}
    query |= {"target": options.target} if options.target else {}
    path = f"{path_of(options.cluster)}/restore-readiness"
    answer = app.until_done(f"{path}?{urllib.parse.urlencode(query)}" if query else path, options.max_wait).body
    show(answer)
    return _status(answer["verdict"], options)


def say(text: str, where: TextIO | None = None) -> None:
    """Print one line that no terminal and no pipeline takes for a command: names in it are of many people's making.

    Azure Pipelines and GitHub Actions read what follows ## anywhere in a line, GitHub also :: at its beginning.
    """
    shown = "".join(letter if letter.isprintable() else " " for letter in text)
    print(re.sub("#(?=#)", "# ", shown), file=where)


def show(answer: dict[str, Any]) -> None:
    """The verdict, and what stands in the way of a better one."""
    say(f"{answer['verdict']}: {answer['reason']}")
    loss, takes = answer.get("expectedDataLossSeconds"), answer.get("expectedDurationSeconds")
    if loss is not None:
        say(f"  a restore would lose {loss / 3600:.1f} h" + (f" and take {takes / 60:.0f} min" if takes else ""))
    for found in answer["checks"]:
        if found["status"] != "pass":
            say(f"  {found['status']:7} {found['id']}: {found['message']}")
            if found.get("fix"):
                say(f"          fix: {found['fix']}")


def _status(verdict: str, options: argparse.Namespace) -> int:
    if verdict == "Ready" or verdict in options.accept:
        return READY
    return UNKNOWN if verdict == "Unknown" else NOT_READY


def back_up(app: App, options: argparse.Namespace) -> int:
    """Back up one cluster, wait for its job, and check."""
    path, end = path_of(options.cluster), time.monotonic() + options.max_wait
    answer = app.ask("POST", f"{path}/backups", {})
    while answer.status == _CONFLICT and time.monotonic() < end:  # another backup of it runs: ours is the next one
        say(f"waiting: {answer.reason()}")
        time.sleep(answer.retry_after)
        answer = app.ask("POST", f"{path}/backups", {})
    if answer.status != _ACCEPTED:
        raise NotToBeFoundOut(f"the backup wasn't started: {answer.reason()}")
    job = _finished(app, path, answer.body.get("jobId"), end)
    say(f"backup {job['status']}" + (f": {job['errorCode']} {job['errorMessage']}" if job.get("errorCode") else ""))
    if job["status"] not in ("Completed", "CompletedWithWarnings"):
        return NOT_READY
    whole = job["status"] == "Completed" or "AtRisk" in options.accept  # with warnings, something wasn't backed up
    return max(check(app, options), READY if whole else NOT_READY)


def _finished(app: App, path: str, job_id: str | None, end: float) -> dict[str, Any]:
    """The job when it has ended; one whose id Azure didn't tell is the newest on-demand one."""
    pause = min(1.0, _PAUSE)
    while time.monotonic() < end:
        if job_id:
            job = app.ask("GET", f"{path}/jobs/{urllib.parse.quote(job_id, safe='')}")
        else:
            jobs = app.ask("GET", f"{path}/jobs?operation=on-demand").body.get("value") or [{}]
            job = Answer(_OK, {}, jobs[0])
        if job.status == _OK and job.body.get("endTime"):
            return job.body
        time.sleep(pause)
        pause = min(2 * pause, _LONGEST_PAUSE)
    raise NotToBeFoundOut(f"job {job_id} hasn't ended in time")


def fleet(app: App, options: argparse.Namespace) -> int:
    """All clusters that aren't ready, and how many are; the worst verdict decides."""
    found: list[dict[str, Any]] = []
    counts: dict[str, int] = {}
    for skip in range(0, 1_000_000, _PAGE):
        body = app.until_done(f"/api/fleet/restore-readiness?top={_PAGE}&skip={skip}", options.max_wait).body
        counts, page = body["byVerdict"], body["items"]
        found += page
        if len(page) < _PAGE:
            break
    say(", ".join(f"{verdict} {number}" for verdict, number in counts.items()) or "no clusters")
    statuses = [_status(item["verdict"], options) for item in found]
    for item, status in zip(found, statuses):  # noqa: B905  # as long as each other by construction
        if status != READY:
            say(f"{item['verdict']:8} {item['clusterId']}: {item['reason']}")
    return NOT_READY if NOT_READY in statuses else max(statuses, default=READY)


def _arguments(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    actions = parser.add_subparsers(dest="action", required=True)
    for name, action in (("check", check), ("back-up", back_up), ("fleet", fleet)):
        part = actions.add_parser(name, help=action.__doc__)
        part.set_defaults(run=action)
        if action is not fleet:
            part.add_argument("cluster", help="ARM id of a managed cluster")
            part.add_argument("--deep", action="store_true", help="also let Azure itself validate a restore: minutes")
            part.add_argument("--target", help="ARM id of the cluster to restore to; without it the cluster itself")
        part.add_argument("--accept", action="append", default=[], choices=["AtRisk"], help="good enough as well")
        part.add_argument("--max-wait", type=float, default=900.0, metavar="SECONDS", help="for jobs and deep checks")
    return parser.parse_args(arguments)


def main(arguments: list[str] | None = None) -> int:
    """Run from the command line or as a runbook; the exit status."""
    options = _arguments(arguments)
    try:
        return int(options.run(App.from_settings(), options))
    except NotToBeFoundOut as error:
        say(f"not to be found out: {error}", sys.stderr)
    except (KeyError, TypeError) as error:  # something between here and the app answered in its place
        say(f"not to be found out: an answer without {error}", sys.stderr)
    return UNKNOWN


if __name__ == "__main__":
    sys.exit(main())
