from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from yarl import URL

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    import aiohttp

    from tests.local_host.conftest import Host, StartsHosts, Waits

APP = """
@app.route(route="items/{id:int}/{kind?}", methods=["GET"])
def item(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse(json.dumps(dict(req.route_params)), mimetype="application/json")

@app.route(route="items/special", methods=["GET"], auth_level="anonymous")
def special(req: func.HttpRequest) -> str:
    return "special"

@app.route(route="items/{*rest}", methods=["GET"], auth_level="anonymous")
def rest(req: func.HttpRequest) -> str:
    return req.route_params["rest"]

@app.route(methods=["POST"], auth_level="anonymous")
async def echo(req: func.HttpRequest) -> func.HttpResponse:
    content = {"query": dict(req.params), "header": req.headers.get("X-Some"), "body": req.get_body().decode()}
    headers = {"X-Answer": "42", "Set-Cookie": "a=b; Path=/"}
    return func.HttpResponse(json.dumps(content), status_code=201, headers=headers, mimetype="application/json")

@app.route(auth_level="anonymous")
def binary(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse(bytes(range(256)), mimetype="application/octet-stream")

@app.route(auth_level="anonymous")
async def raises(req: func.HttpRequest) -> func.HttpResponse:
    raise ValueError("on purpose")

@app.route(auth_level="anonymous")
async def nothing(req: func.HttpRequest) -> func.HttpResponse:
    return None

@app.route(auth_level="anonymous")
async def leaves(req: func.HttpRequest) -> func.HttpResponse:
    raise SystemExit(3)

@app.route(auth_level="admin")
async def secret(req: func.HttpRequest) -> str:
    return "secret"

@app.route(auth_level="anonymous")
async def slow(req: func.HttpRequest) -> str:
    await asyncio.sleep(1)
    record(finished="slow")
    return "late"

@app.route(auth_level="anonymous")
async def blocks(req: func.HttpRequest) -> str:
    record(blocks="begun")
    while not os.path.exists(os.environ["RECORDS"] + ".go"):
        time.sleep(0.01)
    return "free"
"""


@pytest.fixture(scope="module")
def host(start_host: StartsHosts) -> Host:
    """One host for all tests here; they change nothing in it."""
    return start_host(APP, "--response-limit", "0.5", "--body-limit", "2000")


@pytest.mark.parametrize(
    ("path", "key", "status", "body"),
    [
        ("/api/items/5", "function", 200, '{"id": "5"}'),
        ("/api/items/5/disk", "function", 200, '{"id": "5", "kind": "disk"}'),
        ("/API/Items/5/Disk/", "master", 200, '{"id": "5", "kind": "Disk"}'),
        ("/api/items/special", None, 200, "special"),
        ("/api/items/a/b%2Fc/%C3%A9", None, 200, "a/b%2Fc/é"),
        ("/api/items/a%0Ab/c", None, 200, "a\nb/c"),
        ("/api/items/5", None, 401, ""),
        ("/api/items/5", "eventgrid", 401, ""),
        ("/api/secret", "function", 401, ""),
        ("/api/secret", "master", 200, "secret"),
        ("/api/unknown", "master", 404, ""),
        ("/items/special", None, 404, ""),
        ("/", None, 404, ""),
        ("/api/raises", None, 500, ""),
        ("/api/nothing", None, 500, ""),
        ("/api/leaves", None, 500, ""),
        ("/admin/host/ping", None, 200, ""),
        ("/admin/host/status", None, 401, ""),
        ("/admin/functions", "function", 401, ""),
        ("/admin/functions/unknown", "master", 404, ""),
        ("/admin/unknown", "master", 404, ""),
        ("/runtime/webhooks/unknown", "master", 404, ""),
    ],
)
async def test_a_path_and_a_key_decide_the_answer(
    *, host: Host, http: aiohttp.ClientSession, path: str, key: str | None, status: int, body: str
) -> None:
    """Routes ignore case, the most specific one wins, keys open their level and the master key opens all."""
    headers = {"x-functions-key": host.ready[f"{key}_key"]} if key else {}

    async with http.get(_raw(host, path), headers=headers) as response:
        assert (response.status, await response.text()) == (status, body)


async def test_a_key_may_be_in_the_query(host: Host, http: aiohttp.ClientSession) -> None:
    """`?code=` is as good as the header; a wrong one isn't, whatever bytes it is made of."""
    async with http.get(host.url("/api/items/5", "function")) as response:
        assert response.status == 200
    for wrong in ("nonsense", "%ff%fe", ""):
        async with http.get(_raw(host, f"/api/items/5?code={wrong}")) as response:
            assert response.status == 401


@pytest.mark.parametrize("method", ["POST", "HEAD", "OPTIONS"])
async def test_a_wrong_method_is_not_found(host: Host, http: aiohttp.ClientSession, method: str) -> None:
    """Azure answers 404, not 405, and doesn't ask for a key first; HEAD isn't GET (azure-functions-host 11625)."""
    async with http.request(method, host.url("/api/items/5")) as response:
        assert response.status == 404


async def test_request_and_response_pass_through(host: Host, http: aiohttp.ClientSession) -> None:
    """Query, headers and body reach the function; status, headers, cookies and body come back."""
    async with http.post(host.url("/api/echo", a="1", b="x%20y"), headers={"X-Some": "h"}, data="hällo") as response:
        assert response.status == 201
        assert await response.json() == {"query": {"a": "1", "b": "x y"}, "header": "h", "body": "hällo"}
        assert response.headers["X-Answer"] == "42"
        assert response.headers["Content-Type"] == "application/json"
        assert response.cookies["a"].value == "b"


async def test_bytes_come_back_unchanged(host: Host, http: aiohttp.ClientSession) -> None:
    """A binary body isn't decoded on its way."""
    async with http.get(host.url("/api/binary")) as response:
        assert await response.read() == bytes(range(256))


async def test_a_chunked_body_arrives_empty(host: Host, http: aiohttp.ClientSession) -> None:
    """As in Azure: a caller that doesn't send Content-Length is noticed here already."""

    async def chunks() -> AsyncGenerator[bytes]:
        yield b"some"

    async with http.post(host.url("/api/echo"), data=chunks()) as response:
        assert (await response.json())["body"] == ""


async def test_a_body_over_the_limit_is_refused(host: Host, http: aiohttp.ClientSession) -> None:
    """413, and the function doesn't run."""
    async with http.post(host.url("/api/echo"), data=b"x" * 2001) as response:
        assert response.status == 413


async def test_a_late_response_is_given_up_but_the_function_goes_on(
    host: Host, http: aiohttp.ClientSession, wait: Waits
) -> None:
    """The caller gets 502 at the response limit; the invocation isn't cancelled."""
    async with http.get(host.url("/api/slow")) as response:
        assert response.status == 502
    wait(lambda: {"finished": "slow"} in host.records, "the slow function")


async def test_a_function_that_blocks_does_not_block_the_host(host: Host, http: aiohttp.ClientSession) -> None:
    """An async function that never awaits stops its worker, not the host's own endpoints."""
    try:
        async with http.get(host.url("/api/blocks")) as response:
            assert response.status == 502
        assert {"blocks": "begun"} in host.records
        async with http.get(host.url("/admin/host/status", "master")) as response:
            assert (await response.json())["state"] == "Running"
    finally:
        host.let_go()


async def test_the_admin_endpoint_lists_functions(host: Host, http: aiohttp.ClientSession) -> None:
    """The list names every function with its bindings; one can be asked for alone."""
    async with http.get(host.url("/admin/functions", "master")) as response:
        assert [item["name"] for item in await response.json()] == host.ready["functions"]
    async with http.get(host.url("/admin/functions/ITEM", "master")) as response:
        described = await response.json()
    assert described["invoke_url_template"] == host.ready["base_url"] + "/api/items/{id:int}/{kind?}"
    assert described["config"]["bindings"][0]["type"] == "httpTrigger"


async def test_the_log_tells_invocations_and_no_secrets(host: Host, http: aiohttp.ClientSession) -> None:
    """Start, end and failure are logged with name and traceback; bodies, keys and query strings aren't."""
    async with http.post(host.url("/api/echo", secret="query-secret"), data="body-secret"):
        pass
    async with http.get(host.url("/api/raises", "function")):
        pass
    async with http.get(host.url("/api/items/7", "function")):
        pass

    log = host.log
    assert "Executing 'echo'" in log
    assert "Executed 'item' (Succeeded" in log
    assert "Executed 'raises' (Failed" in log
    assert 'raise ValueError("on purpose")' in log
    for secret in ("query-secret", "body-secret", *(host.ready[f"{key}_key"] for key in ("master", "function"))):
        assert secret not in log


def _raw(host: Host, path: str) -> URL:
    """A URL whose percent-encoding the client leaves alone."""
    return URL(host.ready["base_url"] + path, encoded=True)
