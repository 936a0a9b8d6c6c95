"""Azure's answers in their several shapes."""

import json
import os
from pathlib import Path

import pytest

from local.azure.install_failures import CAUSES
from shared.arm.answers import error_of, operation_of, operation_state
from shared.arm.failures import CLASS_OF_CODE, FailureClass, classify
from shared.errors import ArmError, ArmUnreachable, ForeignHost

ROOT = Path(__file__).resolve().parents[3]
WIRE = Path(os.environ.get("WIRE_DIR") or ROOT.parent / "shared" / "wire")


def test_an_error_is_read_from_its_wrapper_from_top_level_and_from_text() -> None:
    """Three shapes: wrapped, bare (trusted access), and no JSON at all (gateways)."""
    wrapped = error_of(404, {}, '{"error": {"code": "ResourceNotFound", "message": "gone"}}')
    bare = error_of(404, {}, '{"code": "NotFound", "message": "no binding", "details": [{"code": "Unspecified"}]}')
    text = error_of(502, {"Retry-After": "7"}, "Forbidden\n")
    assert (wrapped.code, bare.code, text.code) == ("ResourceNotFound", "NotFound", "")
    assert text.retry_after == 7
    assert "Forbidden" in text.message


def test_the_innermost_code_counts() -> None:
    """Deployments hide the cause in a message of JSON; registration repeats it with the namespace as target."""
    inner = json.dumps({"error": {"code": "SkuNotAvailable", "message": "no"}})
    nested = error_of(400, {}, json.dumps({"error": {"code": "Outer", "message": inner}}))
    details = [{"code": "MissingSubscriptionRegistration", "message": "m", "target": "Microsoft.X"}]
    missing = error_of(409, {}, json.dumps({"error": {"code": "Conflict", "message": "m", "details": details}}))
    assert nested.code == "SkuNotAvailable"
    assert (missing.code, missing.target) == ("MissingSubscriptionRegistration", "Microsoft.X")


def test_what_azure_recommends_is_said_too() -> None:
    """Data Protection's message alone may say no more than that the input is invalid."""
    info = {"type": "UserFacingError", "info": {"recommendedAction": ["Name a tag of the policy."]}}
    body = {
        "error": {"additionalInfo": [info], "code": "DppPluginInvalidInputParameters", "message": "Invalid inputs."}
    }
    assert error_of(400, {}, json.dumps(body)).message == "Invalid inputs. Name a tag of the policy."


@pytest.mark.parametrize("spelling", ["Inprogress", "InProgress", "Creating", "Provisioning"])
def test_every_spelling_of_running_runs(spelling: str) -> None:
    """Three spellings are on the wire, and there may be more."""
    assert operation_state(200, {"Retry-After": "3"}, json.dumps({"status": spelling})).running


def test_an_operation_ends_well_badly_or_as_its_resource() -> None:
    """Failed operations come with status 200; a Location ends with the resource itself."""
    well = operation_state(200, {}, '{"status": "Succeeded"}')
    badly = operation_state(200, {}, '{"status": "Failed", "error": {"code": "Boom", "message": "m"}}')
    resource = operation_state(200, {}, '{"id": "/x", "properties": {}}')
    assert not well.running
    assert well.error is None
    assert badly.error is not None
    assert badly.error.code == "Boom"
    assert not resource.running
    assert operation_state(202, {}, "").running


def test_the_status_url_wins_over_a_foreign_location() -> None:
    """Extensions answer with a Location on another host; the status URL is on ARM."""
    headers = {"Azure-AsyncOperation": "https://arm/status", "Location": "https://elsewhere/result", "Retry-After": "0"}
    assert operation_of(headers).url == "https://arm/status"
    assert operation_of({"Location": "https://arm/result"}).url == "https://arm/result"


@pytest.mark.parametrize(("code", "failure"), sorted(CLASS_OF_CODE.items()))
def test_every_code_of_the_table_is_classified_whatever_its_status(code: str, failure: FailureClass) -> None:
    """The code decides before the status does, in any case."""
    for status in (200, 400, 404, 409, 500):
        assert classify(ArmError("m", status=status, code=code.upper())) is failure


@pytest.mark.parametrize(
    ("error", "failure"),
    [
        (ArmError("m", status=400, code="BrandNew"), FailureClass.FATAL),
        (ArmError("m", status=409, code="BrandNew"), FailureClass.RETRY),
        (ArmError("m", status=503), FailureClass.RETRY),
        (ArmError("m", status=429, code="TooManyRequests"), FailureClass.RETRY),
        (ArmError("m", status=403), FailureClass.ACCESS),
        (ArmError("m", status=400, code="InvalidAnything"), FailureClass.FATAL),
        (ArmError("m", status=200, code="UserErrorPVCNotBound"), FailureClass.WARNING),
        (ArmError("helm: timed out waiting for the condition", code="ExtensionFailed"), FailureClass.OWNER),
        (
            ArmError("lookup eastus.dp.kubernetesconfiguration.azure.com on 10.0.0.10:53: no such host", code="Failed"),
            FailureClass.OWNER,
        ),
        (ArmUnreachable("no route"), FailureClass.RETRY),
        (ForeignHost("elsewhere"), FailureClass.FATAL),
    ],
)
def test_what_the_table_lacks_goes_by_message_and_status(error: ArmError, failure: FailureClass) -> None:
    """An unknown refusal isn't repeated for ever; an unknown failure strands nobody."""
    assert classify(error) is failure


@pytest.mark.parametrize("cause", CAUSES)
def test_what_goes_wrong_in_a_cluster_is_its_owners_business(cause: str) -> None:
    """Whatever an extension's install failed of there."""
    code, message = CAUSES[cause]
    assert classify(ArmError(message, code=code)) is FailureClass.OWNER


def test_no_code_stands_in_two_classes() -> None:
    """The table has one line for each code."""
    source = (ROOT / "shared" / "arm" / "failures.py").read_text()
    for code in ("Conflict", "ScopeLocked", "BadRequest"):
        assert source.count(f'"{code}"') == 1


@pytest.mark.skipif(not WIRE.is_dir(), reason=f"no recordings at {WIRE}")
def test_every_recorded_error_is_read() -> None:
    """Each recorded JSON refusal gives a code and a class."""
    for entry in json.loads((WIRE / "errors.json").read_text()):
        body = entry["response_body"]
        if entry["status"] < 400 or not isinstance(body, dict):
            continue
        error = error_of(entry["status"], entry["response_headers"], json.dumps(body))
        assert error.code, entry["case"]
        assert error.message != "no message", entry["case"]
        assert classify(error) in FailureClass
