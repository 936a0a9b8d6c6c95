"""What Azure's refusal of a backup means for whoever asked for one."""

import pytest

from shared.backups.starter import _refused
from shared.errors import ArmError


@pytest.mark.parametrize(
    ("status", "code", "said"),
    [
        (400, "UserErrorMaxOnDemandBackupsPerDayReached", 429),
        (429, "TooManyRequests", 429),
        (400, "UserErrorMaxConcurrentOperationLimitReached", 409),  # not a limit of the day: a backup runs
        (400, "InvalidInput", 409),
        (403, "AuthorizationFailed", 409),
        (503, "ServiceUnavailable", 503),
        (0, "", 503),
    ],
)
def test_a_refusal_is_a_limit_azures_trouble_or_not_now(status: int, code: str, said: int) -> None:
    """429: not today; 503: again in a moment; 409: something has to change first. Azure's code is the reason."""
    refused = _refused(ArmError("no", status=status, code=code))
    assert refused.status == said
    assert refused.reason == (code or "AzureUnreachable")
