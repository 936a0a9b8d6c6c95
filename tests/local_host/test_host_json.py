from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from local.host.host_json import HostJson, QueueOptions, read_host_json
from local.host.problems import RefusedError
from local.host.settings import connection_string, read_local_settings, resolve
from local.host.timespan import parse_time_span

if TYPE_CHECKING:
    from pathlib import Path


def write(folder: Path, content: Any) -> Path:
    """A host.json with some content; text is written as it is."""
    path = folder / "host.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


def test_defaults_are_azures(tmp_path: Path) -> None:
    """What host.json doesn't say is as in Azure, idle polling included."""
    path = write(tmp_path, {"version": "2.0"})

    assert read_host_json(path, {}) == HostJson("api", 1800.0, has_bundle=False, queues=QueueOptions())
    development = read_host_json(path, {"AZURE_FUNCTIONS_ENVIRONMENT": "Development"})
    assert development.queues.max_polling_interval == 2.0


def test_every_value_is_read(tmp_path: Path) -> None:
    """Times are .NET time spans; numbers and words are as the documentation spells them."""
    queues = {
        "batchSize": 4,
        "newBatchThreshold": 1,
        "maxDequeueCount": 3,
        "visibilityTimeout": "00:01:30",
        "maxPollingInterval": "00:00:00.5000000",
        "messageEncoding": "none",
    }
    content = {
        "version": "2.0",
        "functionTimeout": "-1",
        "extensionBundle": {"id": "Microsoft.Azure.Functions.ExtensionBundle", "version": "[4.*, 5.0.0)"},
        "extensions": {"http": {"routePrefix": ""}, "queues": queues},
        "logging": {"anything": "else"},
    }

    expected = QueueOptions(4, 1, 3, 90.0, 0.5, base64=False)
    assert read_host_json(write(tmp_path, content), {}) == HostJson("", None, has_bundle=True, queues=expected)


def test_settings_override_host_json(tmp_path: Path) -> None:
    """`AzureFunctionsJobHost__section__name` wins, whatever its case, also where host.json has no such section."""
    path = write(tmp_path, {"version": "2.0", "extensions": {"queues": {"batchSize": 4}}})
    environment = {
        "AzureFunctionsJobHost__EXTENSIONS__queues__BATCHSIZE": "2",
        "AzureFunctionsJobHost__extensions__http__routePrefix": "v1",
    }

    host = read_host_json(path, environment)
    assert (host.queues.batch_size, host.route_prefix) == (2, "v1")


@pytest.mark.parametrize(
    ("content", "problems"),
    [
        ("{", ["host.json isn't JSON"]),
        ([], ["host.json must hold an object"]),
        ({}, ['version must be "2.0", not None']),
        ({"version": 2.0}, ['version must be "2.0", not 2.0']),
        (
            {"version": "2.0", "extensionBundle": {"id": "Mine", "version": "4"}},
            ["extensionBundle.id: must be Microsoft", "extensionBundle.version: must be a range"],
        ),
        ({"version": "2.0", "extensionBundle": {}}, ["extensionBundle.id", "extensionBundle.version"]),
        (
            {
                "version": "2.0",
                "extensions": {"queues": {"batchSize": 33, "maxDequeueCount": 0, "messageEncoding": "x"}},
            },
            ["batchSize: must be a whole number from 1 to 32", "maxDequeueCount: must be", "messageEncoding: must be"],
        ),
        (
            {"version": "2.0", "extensions": {"queues": {"maxPollingInterval": 2, "visibilityTimeout": "5 s"}}},
            ["visibilityTimeout: '5 s' isn't a time span", "maxPollingInterval: must be a string"],
        ),
        ({"version": "2.0", "extensions": {"queues": []}}, ["extensions.queues.batchSize can't be read"]),
        ({"version": "2.0", "functionTimeout": "00:00:00"}, ["functionTimeout: must be at least 1.0 s"]),
    ],
)
def test_what_is_wrong_is_listed(tmp_path: Path, content: Any, problems: list[str]) -> None:
    """Each problem names the value it is about."""
    with pytest.raises(RefusedError) as refused:
        read_host_json(write(tmp_path, content), {})
    for problem in problems:
        assert problem in str(refused.value)


def test_a_missing_host_json_is_refused(tmp_path: Path) -> None:
    """Azure doesn't take a folder without it for an app."""
    with pytest.raises(RefusedError, match=r"host\.json can't be read: No such file"):
        read_host_json(tmp_path / "host.json", {})


@pytest.mark.parametrize(("text", "seconds"), [("00:00:02", 2), ("01:30", 5400), ("1.00:00:00.25", 86400.25)])
def test_time_spans(text: str, seconds: float) -> None:
    """Two parts are hours and minutes; a part before a dot is days."""
    assert parse_time_span(text) == seconds


@pytest.mark.parametrize("text", ["", "2", "24:00:00", "00:60:00", "-00:00:01", "00:00:02 "])
def test_other_time_spans_are_refused(text: str) -> None:
    """What .NET wouldn't take isn't guessed at."""
    with pytest.raises(ValueError, match="isn't a time span"):
        parse_time_span(text)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("{", "isn't JSON"),
        ([], "must hold an object"),
        ({"Values": []}, "must hold an object whose Values are an object"),
        ({"IsEncrypted": True, "Values": {}}, "is encrypted"),
        ({"Values": {"A": 1, "B": "b", "C": None}}, "A must be a string\n.*C must be a string"),
    ],
)
def test_a_bad_settings_file_is_refused(tmp_path: Path, content: Any, problem: str) -> None:
    """Every bad value is named; values themselves, which may be secrets, aren't shown."""
    with pytest.raises(RefusedError, match=problem):
        read_local_settings(write(tmp_path, content))


def test_connections_are_found_as_in_azure() -> None:
    """The prefixed name wins; the development shorthand is spelled out."""
    environment = {
        "Store": "AccountName=plain",
        "AzureWebJobsStore": "AccountName=prefixed",
        "Dev": "UseDevelopmentStorage=true;",
    }

    assert connection_string("Store", environment) == "AccountName=prefixed"
    assert "QueueEndpoint=http://127.0.0.1:10001/devstoreaccount1" in connection_string("Dev", environment)


def test_a_malformed_connection_is_refused_without_showing_it() -> None:
    """The message names the setting; its value may be a secret."""
    with pytest.raises(ValueError, match="the setting Bad isn't a connection string of a storage account") as refused:
        connection_string("Bad", {"Bad": "hidden"})
    assert "hidden" not in str(refused.value)


def test_references_in_bindings_are_resolved() -> None:
    """Any part of a value may be a setting's."""
    assert resolve("%A%-x-%B%", {"A": "1", "B": "2"}) == "1-x-2"
    with pytest.raises(ValueError, match="%C% stands for a setting"):
        resolve("%C%", {})
