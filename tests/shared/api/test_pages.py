"""Answers for people: readable, and nothing in them acts."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from shared.api.fleet_readiness import FleetReadiness
from shared.api.governance_views import PlanCost, PlanStep, PlanView
from shared.api.pages import Command, Facts, Table, Title, Words, as_markdown, as_text, duration
from shared.api.plan_pages import plan
from shared.api.readiness_pages import fleet as readiness_of_fleet
from shared.api.status_pages import cluster, fleet
from shared.api.views import BackupView, ClusterView, FleetView, JobView, resync_view
from shared.fleet.records import Condition
from shared.readiness.fleet import MemberReadiness
from shared.readiness.model import Verdict
from shared.resync.fleet import ResyncRow

JOB = JobView("1", "scheduled", "Failed", None, "2026-01-31T02:10:00Z", 60.0, "SomeCode", "no | room", "Default")
BACKUP = BackupView(
    backup_instance_id="/vaults/v/backupInstances/web-1",
    protection_state="ProtectionConfigured",
    last_recovery_point="2026-01-30T02:00:00Z",
    last_success="2026-01-30T02:10:00Z",
    age_seconds=100_000,
    rpo_target_seconds=90_000,
    overdue=True,
    failures_in_a_row=2,
    last_failure=JOB,
    next_due="2026-02-01T02:00:00Z",
    next_due_latest=None,
    on_demand_today=0,
)
WEB = ClusterView(
    cluster_id="/subscriptions/s/resourceGroups/g/providers/Microsoft.ContainerService/managedClusters/web",
    state="Protected",
    reason="ProtectionConfigured",
    message="protected by gold",
    who_can_act="",
    policy="gold",
    conditions=[Condition("Protected", "True", "Info", "ProtectionConfigured", "fine", "2026-01-01T00:00:00Z")],
    backups=[BACKUP],
)
PAGE = (Title("T"), Words("w"), Facts((("one", 1), ("longer", "x"), ("none", None))), Table(("a", "bb"), (("c", 1),)))


def test_text_stands_in_columns() -> None:
    """Names, values and cells are aligned; what has no value is left out."""
    wanted = "T\n=\n\nw\n\none     1\nlonger  x\n\na  bb\nc  1\n\n    run x\n".replace("\n\n    run", "\n    run")
    assert as_text((*PAGE, Command("run x"))) == wanted


def test_markdown_is_a_list_and_a_table() -> None:
    """What GitHub and wikis show as such; commands in fences."""
    wanted = "# T\n\nw\n\n- **one:** 1\n- **longer:** x\n\n| a | bb |\n| --- | --- |\n| c | 1 |\n\n```sh\nrun x\n```\n"
    assert as_markdown((*PAGE, Command("run x"))) == wanted


def test_a_cluster_shows_what_somebody_asks_for_first() -> None:
    """State, policy, age of the newest point against its target, the last failure."""
    text = as_text(cluster(WEB))
    assert text.startswith("web: Protected\n==============\n")
    assert "2026-01-30T02:00:00Z (1 d 3 h old, target 1 d 1 h, OVERDUE)" in text
    assert "SomeCode: no | room" in text
    assert "SomeCode: no \\| room" in as_markdown(cluster(WEB))


def test_a_fleet_shows_counts_and_a_row_for_each_cluster() -> None:
    """Which are late or failing is in the last column."""
    view = FleetView(
        clusters=1,
        by_state={"Protected": 1},
        fresh=0,
        overdue=1,
        failing=1,
        resync=resync_view(ResyncRow(1.7e9, converged=3, by_reason={"TagChanged": 2}, unread={"s": "NotReadable"})),
        items=[WEB],
    )
    text = as_text(fleet(view))
    assert "2023-11-14T22:13:20Z, found 2 TagChanged; 3 as wanted" in text
    assert "subscriptions not read" in text
    last = as_markdown(fleet(view)).splitlines()[-1]
    assert last.startswith("| Protected | /subscriptions/")
    assert last.endswith("| 1 d 3 h old | overdue, 2 failed in a row |")


def test_a_fleets_readiness_shows_verdict_and_why() -> None:
    """One row a cluster, as the answer sorts them."""
    member = MemberReadiness(WEB.cluster_id, Verdict.AT_RISK, "late", "gold", None, None, None, None, None, None, [])
    text = as_text(readiness_of_fleet(FleetReadiness(1, {"AtRisk": 1}, [member])))
    assert text.splitlines()[-1].split("  ")[-1] == "late"
    assert "1 AtRisk" in text


def test_a_plan_shows_its_steps_in_order_and_what_they_cost() -> None:
    """What would be started now before what follows."""
    steps = [PlanStep("vault", 2, "absent", False, 0.0), PlanStep("vault-group", 1, "absent", True, 95.0)]
    cost = PlanCost(12.5, "EUR", "an estimate", ["10 namespaces"])
    view = PlanView(WEB.cluster_id, "gold", "Waiting", "Planned", "would start", "Paused", "by me", steps, {}, cost)
    text = as_text(plan(view))
    assert text.index("vault-group") < text.index("vault ")
    assert "absent (not looked at yet)" in text
    assert "Paused: by me" in text
    assert "12.50 EUR a month: an estimate" in text


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (None, ""),
        (0, "0 s"),
        (0.4, "0 s"),
        (95, "1 min 35 s"),
        (7500, "2 h 5 min"),
        (86_400, "1 d"),
        (200_000, "2 d 7 h"),
    ],
)
def test_durations_are_in_two_units(seconds: float | None, words: str) -> None:
    """Enough for people."""
    assert duration(seconds) == words


hostile = st.text() | st.sampled_from(
    [
        "[x](javascript:1)",
        "<script>",
        "a\nb",
        "\x1b[31m",
        "| x |",
        "```",
        "# x",
        "&lt;",
        "\u202e",
        "\r",
        "![x](//y)",
        "`x`",
        "https://evil.example/x",
        "WWW.evil.example",
    ]
)


@given(hostile, hostile)
def test_no_value_acts(one: str, other: str) -> None:
    """Neither lines, cells, lists, links nor markup come out of a value; no control character reaches a terminal."""
    page = (Title(one), Words(other), Facts(((one, other),)), Table(("a", "b"), ((one, other),)), Command(one))
    text, markdown = as_text(page), as_markdown(page)
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2028\u2029\ud800-\udfff]", text + markdown)
    tokens = MarkdownIt("commonmark").enable("table").parse(markdown)
    kinds = {child.type for token in tokens for child in (token.children or ())} | {token.type for token in tokens}
    assert not kinds & {"link_open", "image", "html_inline", "html_block", "code_inline", "em_open"}
    assert sum(token.type == "tr_open" for token in tokens) == 2
    assert sum(token.type == "td_open" for token in tokens) == 2
    assert sum(token.type == "fence" for token in tokens) == 1
    assert sum(token.type == "heading_open" for token in tokens) == 1
    assert sum(token.type == "list_item_open" for token in tokens) <= 1
    outside = as_markdown(page[:-1])  # in a fence nothing is linked
    assert not re.search(r"(?<!\\)://|www\.", outside, re.IGNORECASE)  # of which GitHub makes links without any markup
