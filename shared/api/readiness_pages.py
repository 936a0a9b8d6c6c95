"""Readiness, restore requests and operations as pages for people."""

from __future__ import annotations

import json
from collections.abc import Iterator

from shared.api.fleet_readiness import FleetReadiness
from shared.api.pages import Block, Command, Facts, Table, Title, Words, duration
from shared.api.restore_views import OperationView, RestoreRequestView
from shared.arm.ids import name_of
from shared.readiness.checks.finding import ELSEWHERE
from shared.readiness.fleet import MemberReadiness
from shared.readiness.model import Check, Readiness, Status

_COMMANDS = ("az ", "curl ")  # other fixes are words
_WORST_FIRST = {Status.FAIL: 0, Status.UNKNOWN: 1, Status.WARN: 2, Status.PASS: 3}


def readiness(answer: Readiness) -> Iterator[Block]:
    """Verdict and reason first, then the checks, the worst first, and what puts each right."""
    yield Title(f"{name_of(answer.cluster_id)}: {answer.verdict}")
    yield Words(answer.reason)
    yield Facts(
        (
            ("cluster", answer.cluster_id),
            ("restored to", answer.target if answer.target != answer.cluster_id else None),
            ("from", answer.tier),
            ("recovery point", answer.recovery_point or "none"),
            ("expected data loss", duration(answer.expected_data_loss_seconds) or "unknown"),
            ("expected duration", duration(answer.expected_duration_seconds) or "unknown: nothing was restored yet"),
            ("checked at", answer.checked_at),
            ("validated by Azure", "yes" if answer.deep else "not asked"),
        )
    )
    checks = sorted(answer.checks, key=lambda check: (_WORST_FIRST[check.status], not check.decides))
    yield Table(("status", "check", "message"), tuple((check.status, check.id, check.message) for check in checks))
    yield from _fixes([check for check in checks if check.status is not Status.PASS])


def fleet(view: FleetReadiness) -> Iterator[Block]:
    """Counts, and a row for each cluster, the worst first."""
    yield Title(f"{view.clusters} clusters")
    yield Words(", ".join(f"{count} {verdict}" for verdict, count in sorted(view.by_verdict.items())))
    yield Table(
        ("verdict", "cluster", "policy", "newest point", "last restored", "why"),
        tuple(
            (item.verdict, item.cluster_id, item.policy, _age(item), item.last_restored_at or "never", item.reason)
            for item in view.items
        ),
    )


def restore_request(view: RestoreRequestView) -> Iterator[Block]:
    """What it restores, Azure's word about it, and the commands in the order to type them."""
    yield Title(f"Restore of {name_of(view.cluster_id)}")
    yield Facts(
        (
            ("backup instance", view.backup_instance_id),
            ("recovery point", view.recovery_point),
            ("from", view.tier),
            ("to", view.target),
            ("Azure says", f"{view.validation.status}: {view.validation.message}" if view.validation else None),
        )
    )
    for words, command in (
        ("Validate:", view.commands.validate),
        ("Restore:", view.commands.restore),
        ("Or, without the extension of the Azure CLI:", view.commands.rest),
        ("Follow it:", view.commands.follow),
        (f"The body of POST {view.url}:", json.dumps(view.body)),
    ):
        yield Words(words)
        yield Command(command)


def operation(view: OperationView) -> Iterator[Block]:
    """What is known so far."""
    yield Title(f"{name_of(view.cluster_id)}: Azure is still validating")
    yield Facts((("operation", view.id), ("started", view.created_at), ("kept until", view.expires_at)))
    if view.readiness is not None:
        yield Words("So far:")
        yield from readiness(view.readiness)
    if view.restore_request is not None:
        yield from restore_request(view.restore_request)


def _age(item: MemberReadiness) -> str:
    seconds = item.expected_data_loss_seconds
    return "none" if seconds is None else f"{duration(seconds)} old"


def _fixes(checks: list[Check]) -> Iterator[Block]:
    """What to do, each once: several checks may ask for the same, and some only for what others ask."""
    asked: dict[str, list[str]] = {}
    for check in checks:
        if check.fix not in ("", ELSEWHERE):
            asked.setdefault(check.fix, []).append(check.id)
    if asked:
        yield Title("To put right", 2)
    for fix, names in asked.items():
        command = fix.startswith(_COMMANDS)
        yield Words(f"{', '.join(names)}:" if command else f"{', '.join(names)}: {fix}")
        if command:
            yield Command(fix)
