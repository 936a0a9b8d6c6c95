"""Who may do what where the platform's authentication says who asks."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.api.principal import OPERATE, READ, caller
from shared.api.problems import Problem

ID = "0a0b0c0d-0000-0000-0000-000000000001"
ROLE = "http://schemas.microsoft.com/ws/2008/06/identity/claims/role"
OBJECT_ID = "http://schemas.microsoft.com/identity/claims/objectidentifier"


def headers(*claims: tuple[str, str], provider: str = "aad") -> dict[str, str]:
    """What the platform sets."""
    document = {"auth_typ": provider, "claims": [{"typ": kind, "val": value} for kind, value in claims]}
    return {"X-MS-CLIENT-PRINCIPAL": base64.b64encode(json.dumps(document).encode()).decode()}


def refused(given: dict[str, str], *, changes: bool = False) -> Problem:
    """How a caller is refused."""
    with pytest.raises(Problem) as caught:
        caller(given, changes=changes)
    return caught.value


@pytest.mark.parametrize("kind", ["roles", ROLE])
@pytest.mark.parametrize(
    ("role", "changes", "may"),
    [(READ, False, True), (READ, True, False), (OPERATE, False, True), (OPERATE, True, True), ("Reader", False, False)],
)
def test_a_role_opens_what_it_is_for(*, kind: str, role: str, changes: bool, may: bool) -> None:
    """Read reads, Operate reads and changes, others open nothing; both spellings of the claim are Entra ID's."""
    given = headers(("name", "x"), (kind, role), (OBJECT_ID, ID.upper()))
    if may:
        assert caller(given, changes=changes) == f"entra:{ID}"
    else:
        problem = refused(given, changes=changes)
        assert (problem.status, problem.reason) == (403, "RoleMissing")
        assert (OPERATE if changes else READ) in problem.detail


def test_a_role_in_another_claim_is_none() -> None:
    """What somebody calls themself isn't what they may do."""
    assert refused(headers(("name", READ), ("groups", OPERATE))).status == 403


def test_another_providers_roles_count_for_nothing() -> None:
    """Only Entra ID knows the app's roles."""
    assert refused(headers(("roles", OPERATE), provider="github")).status == 401


@pytest.mark.parametrize(
    "text", ["", "x", "e30", base64.b64encode(b"[1]").decode(), base64.b64encode(b"[" * 9999).decode()]
)
def test_nobody_is_refused(text: str) -> None:
    """401, and how to sign in."""
    problem = refused({"X-MS-CLIENT-PRINCIPAL": text})
    assert (problem.status, problem.headers) == (401, {"WWW-Authenticate": "Bearer"})


@given(st.recursive(st.none() | st.booleans() | st.text(), lambda of: st.lists(of) | st.dictionaries(st.text(), of)))
def test_whatever_the_header_holds_is_an_answer(document: Any) -> None:
    """No shape of it is a failure of ours."""
    text = base64.b64encode(json.dumps({"auth_typ": "aad", "claims": document}).encode()).decode()
    assert refused({"X-MS-CLIENT-PRINCIPAL": text}).status in (401, 403)
