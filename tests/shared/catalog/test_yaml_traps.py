"""What YAML makes of a slip: always a fault with file, line and field, never a surprise and never a traceback."""
# ruff: noqa: E501  # a fault is one line, also where it is expected

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.catalog.__main__ import main
from shared.catalog.document import parse
from shared.catalog.loading import MAX_FAULTS, load, loads
from shared.catalog.model import Catalog
from shared.errors import CatalogError

ROOT = Path(__file__).resolve().parents[3]

GOOD = """\
vaultProfiles:
  standard:
    redundancy: LocallyRedundant
policies:
  one:
    vaultProfile: standard
    schedule: {every: PT4H, start: "09:00"}
    operationalRetention: P7D
"""


def faults(text: str) -> list[str]:
    """All faults of a catalog."""
    with pytest.raises(CatalogError) as caught:
        loads(text, "c.yaml")
    return list(caught.value.faults)


SLIPS = {
    "a duplicate field": (
        "P7D",
        "P7D\n    operationalRetention: P8D",
        "9: 'operationalRetention' stands twice in policies.one",
    ),
    "a duplicate policy": (
        "policies:",
        "policies:\n  one: {vaultProfile: standard}",
        "6: 'one' stands twice in policies",
    ),
    "a duplicate in braces": ('start: "09:00"', "every: PT6H", "7: 'every' stands twice in policies.one.schedule"),
    "a duplicate in quotes": ("P7D", 'P7D\n    "operationalRetention": P8D', "9: 'operationalRetention' stands twice"),
    "hours as people write them": ("PT4H", "4h", "7: policies.one.schedule.every: is '4h'; wanted: one of PT4H, "),
    "hours in lower case": ("PT4H", "pt4h", "7: policies.one.schedule.every: is 'pt4h'; wanted: one of PT4H, "),
    "days without their letters": (
        "P7D",
        "7",
        "8: policies.one.operationalRetention: is '7'; wanted: a number of days",
    ),
    "days with a blank": (
        "P7D",
        "7 days",
        "8: policies.one.operationalRetention: is '7 days'; wanted: a number of days",
    ),
    "no for a duration": ("P7D", "no", "8: policies.one.operationalRetention: is 'no'; wanted: a number of days"),
    "no for false": (
        "P7D",
        "P7D\n    contents: {volumeSnapshots: no}",
        "9: policies.one.contents.volumeSnapshots: is 'no'; wanted: true or false",
    ),
    "a yes in capitals": (
        "P7D",
        "P7D\n    contents: {volumeSnapshots: TRUE}",
        "9: policies.one.contents.volumeSnapshots: is 'TRUE'; wanted: true or false",
    ),
    "off, which YAML 1.1 takes for false": (
        "LocallyRedundant",
        "LocallyRedundant\n    softDelete: off",
        "4: vaultProfiles.standard.softDelete: is 'off'; wanted: one of On, Off, AlwaysOn",
    ),
    "an octal number of days": (
        "LocallyRedundant",
        "LocallyRedundant\n    softDeleteDays: 020",
        "4: vaultProfiles.standard.softDeleteDays: is '020'; wanted: 14 to 180 days",
    ),
    "a hexadecimal number of days": (
        "LocallyRedundant",
        "LocallyRedundant\n    softDeleteDays: 0x14",
        "4: vaultProfiles.standard.softDeleteDays: is '0x14'; wanted: 14 to 180 days",
    ),
    "a number in quotes": (
        "LocallyRedundant",
        'LocallyRedundant\n    softDeleteDays: "20"',
        "4: vaultProfiles.standard.softDeleteDays: is '20'; wanted: 14 to 180 days",
    ),
    "a number with a fraction": (
        "LocallyRedundant",
        "LocallyRedundant\n    softDeleteDays: 20.5",
        "4: vaultProfiles.standard.softDeleteDays: is '20.5'; wanted: 14 to 180 days",
    ),
    "a number of twenty digits": (
        "LocallyRedundant",
        "LocallyRedundant\n    softDeleteDays: 11111111111111111111",
        "4: vaultProfiles.standard.softDeleteDays: is '11111111111111111111'; wanted: 14 to 180 days",
    ),
    "an hour of one digit": (
        '"09:00"',
        "9:00",
        "7: policies.one.schedule.start: is '9:00'; wanted: a time of day with two digits each",
    ),
    "a time with seconds": (
        '"09:00"',
        "09:00:00",
        "7: policies.one.schedule.start: is '09:00:00'; wanted: a time of day",
    ),
    "an anchor and its alias": (
        "operationalRetention: P7D",
        "operationalRetention: &week P7D\n    vaultTier: {daily: *week}",
        "8: anchors and aliases aren't read; write the value out",
    ),
    "an alias of nothing": ("P7D", "*week", "8: anchors and aliases aren't read; write the value out"),
    "an anchor that nobody uses": ("P7D", "&week P7D", "8: anchors and aliases aren't read; write the value out"),
    "an anchor on a key": ("    operationalRetention", "    &a operationalRetention", "8: a key must be plain text"),
    "a merge key": (
        "    operationalRetention",
        "    <<: {onMove: stop}\n    operationalRetention",
        "8: merge keys aren't read; write the fields out",
    ),
    "a list for a key": (
        "    operationalRetention",
        "    ? [a]\n    : b\n    operationalRetention",
        "8: a key must be plain text",
    ),
    "a tab before a field": (
        "    operationalRetention",
        "\toperationalRetention",
        "8: no valid YAML: found character that cannot start any token",
    ),
    "a tab between fields": ("  one:", "\tone:", "5: no valid YAML: found character that cannot start any token"),
    "a Python object": (
        "P7D",
        "!!python/object/apply:os.system ['true']",
        "8: tags such as tag:yaml.org,2002:python/object/apply:os aren't read; leave it out",
    ),
    "a type": ("P7D", "!!str P7D", "8: tags such as tag:yaml.org,2002:str aren't read; leave it out"),
    "a tag of one's own": ("P7D", "!days 7", "8: tags such as !days aren't read; leave it out"),
    "a tag on a block": ("  one:", "  one: !policy", "5: tags such as !policy aren't read; leave it out"),
    "a second document": ("P7D", "P7D\n---\npolicies: {}", "9: a second document starts here; a catalog is one"),
    "the end of a document in between": ("policies:", "...\npolicies:", "5: no valid YAML: did not find expected"),
    "nothing where a duration is due": (
        "P7D",
        "",
        "8: policies.one.operationalRetention: is empty; wanted: a number of days",
    ),
    "null where a block is due": ('{every: PT4H, start: "09:00"}', "null", "7: policies.one.schedule: is empty; "),
    "a tilde where text is due": (
        "vaultProfile: standard",
        "vaultProfile: ~",
        "6: policies.one.vaultProfile: is empty; wanted: text",
    ),
    "nothing under policies": (
        '  one:\n    vaultProfile: standard\n    schedule: {every: PT4H, start: "09:00"}\n    operationalRetention: P7D\n',
        "",
        "4: policies: is empty; wanted: names and their values, one a line",
    ),
    "a list of policies": (
        "  one:\n    vaultProfile: standard\n",
        "  - vaultProfile: standard\n",
        "4: policies: is a list; wanted: names and their values, one a line",
    ),
    "text where a block is due": (
        '{every: PT4H, start: "09:00"}',
        "daily",
        "7: policies.one.schedule: is 'daily'; wanted: fields, one a line",
    ),
    "one text where a list is due": (
        "P7D",
        "P7D\n    contents: {includedNamespaces: shop}",
        "9: policies.one.contents.includedNamespaces: is 'shop'; wanted: a list, such as [a, b]",
    ),
    "a number where text is due": (
        "P7D",
        "P7D\n    description: 5",
        "9: policies.one.description: is '5'; wanted: text; put it in quotes",
    ),
    "a number for a tag": (
        "P7D",
        "P7D\n    tags: {fixed: {costCenter: 4711}}",
        "9: policies.one.tags.fixed.costCenter: is '4711'; wanted: a tag's value: at most 256 characters; put it in quotes",
    ),
    "a version for a tag": (
        "P7D",
        "P7D\n    tags: {fixed: {version: 1.10}}",
        "9: policies.one.tags.fixed.version: is '1.1'; wanted: a tag's value: at most 256 characters; put it in quotes",
    ),
    "true for a tag": (
        "P7D",
        "P7D\n    tags: {fixed: {backup: true}}",
        "9: policies.one.tags.fixed.backup: is 'true'; wanted: a tag's value: at most 256 characters; put it in quotes",
    ),
    "a number for a namespace": (
        "P7D",
        "P7D\n    contents: {includedNamespaces: [1]}",
        "9: policies.one.contents.includedNamespaces.0: is '1'; wanted: the name of a Kubernetes namespace; put it in quotes",
    ),
    "braces for text": (
        "P7D",
        "P7D\n    description: {a}",
        "9: policies.one.description: is a block of fields; wanted: text; text that starts with { or [ needs quotes",
    ),
    "a line break in quotes": (
        "P7D",
        '"P7D\\n"',
        "8: policies.one.operationalRetention: is 'P7D\\n'; wanted: one line: a number of days",
    ),
    "a block of text for a word": (
        "P7D",
        "|\n      P7D",
        "8: policies.one.operationalRetention: is 'P7D\\n'; wanted: one line: a number of days",
    ),
    "a line break in a name": (
        "  one:",
        '  "one\\n":',
        "5: policies.one\n: is 'one\\n'; wanted: one line: 1 to 32 lower-case letters",
    ),
    "a NUL in quotes": ("P7D", 'P7D\n    description: "a\\0b"', "9: control characters can't be meant"),
    "a field in another case": (
        "operationalRetention",
        "OperationalRetention",
        "8: policies.one.OperationalRetention: unknown field; did you mean 'operationalRetention'?",
    ),
    "a field with hyphens": (
        "operationalRetention",
        "operational-retention",
        "8: policies.one.operational-retention: unknown field; did you mean 'operationalRetention'?",
    ),
    "a field with a letter less": (
        "redundancy",
        "redundncy",
        "3: vaultProfiles.standard.redundncy: unknown field; did you mean 'redundancy'?",
    ),
    "a field of another tool": ("operationalRetention", "xyz", "8: policies.one.xyz: unknown field; known here: "),
    "a field at the top": ("policies:", "policy:", "4: policy: unknown field; did you mean 'policies'?"),
    "a field in a list": (
        "P7D",
        "P7D\n    contents:\n      hooks:\n        - name: a\n          namespce: b",
        "12: policies.one.contents.hooks.0.namespce: unknown field; did you mean 'namespace'?",
    ),
    "a block that is indented too little": (
        "    operationalRetention",
        "  operationalRetention",
        "8: policies.operationalRetention: is 'operationalRetention'; wanted: 1 to 32 lower-case letters",
    ),
    "a block that is indented too much": (
        "    operationalRetention",
        "      operationalRetention",
        "8: no valid YAML: did not find expected key",
    ),
    "a brace that stays open": (
        'start: "09:00"}',
        'start: "09:00"',
        "8: no valid YAML: did not find expected ',' or '}'",
    ),
    "a quote that stays open": ('"09:00"', '"09:00', "9: no valid YAML: found unexpected end of stream"),
    "a colon without a blank": (
        "operationalRetention: P7D",
        "operationalRetention:P7D",
        "9: no valid YAML: could not find expected ':'",
    ),
    "a very long key": ("operationalRetention", "o" * 2000, "8: no valid YAML: could not find expected ':'"),
    "a very long key in its own line": (
        "    operationalRetention: P7D",
        f"    ? {'o' * 2000}\n    : P7D",
        f"8: policies.one.{'o' * 80}...: unknown field",
    ),
    "a very long value": (
        "P7D",
        "9" * 5000,
        f"8: policies.one.operationalRetention: is '{'9' * 80}...'; wanted: a number of days",
    ),
    "a control character": ("P7D", "P7D\x07", "8: no valid YAML: control characters are not allowed"),
    "a NUL": ("P7D", "P7D\x00", "8: no valid YAML: control characters are not allowed: character 0x00"),
    "half of a surrogate pair": ("P7D", "P7D\ud800", "8: no valid YAML: half of a surrogate pair"),
    "half of a surrogate pair, escaped": (
        "P7D",
        '"\\ud800"',
        "8: no valid YAML: found invalid Unicode character escape code",
    ),
    "YAML of another age": (
        "vaultProfiles:",
        "%YAML 3.0\n---\nvaultProfiles:",
        "1: no valid YAML: found incompatible YAML document",
    ),
}


@pytest.mark.parametrize("what", SLIPS)
def test_a_slip_is_a_fault_at_its_line(what: str) -> None:
    """File, line, field, and what is allowed there."""
    old, new, expected = SLIPS[what]
    text = GOOD.replace(old, new, 1)
    assert text != GOOD
    assert any(fault.startswith(f"c.yaml:{expected}") for fault in faults(text)), faults(text)


DEEP = {
    "lists in brackets": "[" * 900_000,
    "lists by hyphens": "- " * 400_000,
    "blocks in braces": "{a: " * 200_000,
    "blocks in one line": "a: [" * 200_000,
    "keys of keys": "? " * 400_000,
    "lists of a catalog's field": GOOD.replace("P7D", "[" * 5000),
}


@pytest.mark.parametrize("what", DEEP)
def test_deep_nesting_is_a_fault_and_not_the_end_of_the_process(what: str, tmp_path: Path) -> None:
    """A megabyte of brackets: in a process of its own, which must end with the check's exit status."""
    file = tmp_path / "deep.yaml"
    file.write_text(DEEP[what])
    command = [sys.executable, "-m", "shared.catalog", "check", str(file)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=30)  # noqa: S603
    assert (done.returncode, "Traceback" in done.stderr) == (1, False), done.stderr[-500:]
    assert "nested deeper than 12 levels" in done.stderr


def test_a_bomb_of_aliases_does_not_go_off() -> None:
    """Nine levels of nine references each would be 387 million values; an alias isn't followed."""
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * 9)}]" for level in range(1, 9)]
    found = faults("\n".join(lines))
    assert found[0] == "c.yaml:1: anchors and aliases aren't read; write the value out"


def test_a_huge_file_is_refused_unread(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """10 MB are a mistake, not a catalog."""
    file = tmp_path / "huge.yaml"
    file.write_bytes(b"# a comment\n" * 900_000)
    assert file.stat().st_size > 10_000_000
    assert main(["check", str(file)]) == 1
    assert "huge.yaml:1: larger than 1000000 bytes" in capsys.readouterr().err
    assert faults("x" * 1_000_001) == ["c.yaml:1: larger than 1000000 bytes"]


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (GOOD.encode().replace(b"P7D", b"P7D # \xff"), "c.yaml:8: isn't UTF-8: invalid start byte"),
        (GOOD.encode("utf-16"), "c.yaml:1: isn't UTF-8: invalid start byte"),
        (GOOD.encode().replace(b"P7D", b"P7D\0"), "c.yaml:8: no valid YAML: control characters are not allowed"),
        (b"\x1f\x8b\x08\0", "c.yaml:1: isn't UTF-8"),
    ],
)
def test_a_file_that_is_no_text_is_refused(data: bytes, expected: str, tmp_path: Path) -> None:
    """Another encoding, a NUL, a compressed file."""
    file = tmp_path / "c.yaml"
    file.write_bytes(data)
    with pytest.raises(CatalogError) as caught:
        load(file)
    assert caught.value.faults[0].startswith(expected)


def test_what_cannot_be_read_is_refused(tmp_path: Path) -> None:
    """No file, or a folder."""
    for path in (tmp_path / "none.yaml", tmp_path):
        with pytest.raises(CatalogError) as caught:
            load(path)
        assert caught.value.faults[0].startswith(f"{path.name}:1: can't be read: ")


SAME = {
    "a byte order mark": f"\ufeff{GOOD}",
    "line ends of Windows": GOOD.replace("\n", "\r\n"),
    "old line ends of the Mac": GOOD.replace("\n", "\r"),
    "comments and blank lines": GOOD.replace("\n", "  # a comment\n\n"),
    "a document's start and end": f"%YAML 1.2\n---\n{GOOD}...\n",
    "quotes around everything": GOOD.replace("one:", '"one":').replace("P7D", "'P7D'").replace("PT4H", '"PT4H"'),
    "all in braces": "{vaultProfiles: {standard: {redundancy: LocallyRedundant}}, policies: {one: {vaultProfile: standard, "
    'schedule: {every: PT4H, start: "09:00"}, operationalRetention: P7D}}}',
    "JSON": '{"vaultProfiles": {"standard": {"redundancy": "LocallyRedundant"}}, "policies": {"one": {"vaultProfile": '
    '"standard", "schedule": {"every": "PT4H", "start": "09:00"}, "operationalRetention": "P7D"}}}',
    "a time without quotes": GOOD.replace('"09:00"', "09:00"),
    "a field that says nothing": GOOD + "    vaultTier: null\n    rpoTarget:\n",
}


@pytest.mark.parametrize("what", SAME)
def test_what_people_may_write_differently_is_the_same_catalog(what: str, tmp_path: Path) -> None:
    """From a text and from a file; 09:00 isn't 540, as YAML 1.1 had it."""
    file = tmp_path / "c.yaml"
    file.write_bytes(SAME[what].encode())
    assert load(file) == loads(SAME[what], "c.yaml") == loads(GOOD, "c.yaml")


def test_text_stays_the_text_it_is() -> None:
    """Sexagesimals, octals, dates, infinities and the many words for yes and no aren't converted behind one's back."""
    words = [
        "12:30",
        "0o14",
        "014",
        "0x1F",
        "1_000",
        "1e3",
        ".inf",
        "2024-02-30",
        "yes",
        "NO",
        "Off",
        "True",
        "NULL",
        "=",
        "+1",
    ]
    assert parse(f"[{', '.join(words)}]").value == words
    assert parse("[true, false, null, ~, -1, 0, 1.5]").value == [True, False, None, None, -1, 0, 1.5]


def test_faults_are_many_but_not_endless() -> None:
    """A file of nothing but unknown fields is told in a list that somebody can read."""
    found = faults("\n".join(f"field{number}: x" for number in range(50_000)))
    assert len(found) == MAX_FAULTS + 1
    assert found[-1].endswith(f"more than {MAX_FAULTS} faults; the rest isn't listed")


TEXTS = st.one_of(
    st.text(),
    st.text(alphabet="{}[]:,-?!&*|>%@`'\"#~ \n\tab01\ufeff\0\u2028<"),
    st.tuples(
        st.integers(0, len(GOOD)), st.integers(0, 30), st.text(alphabet=":{}[]-&*!|>?'\" \n\tab0~", max_size=8)
    ).map(lambda cut: GOOD[: cut[0]] + cut[2] + GOOD[cut[0] + cut[1] :]),
    st.text(alphabet=st.characters(categories=["Cs", "Cc", "L"])),
)


@given(TEXTS)
def test_any_text_is_a_catalog_or_a_catalog_error(text: str) -> None:
    """Whatever stands in the file, nothing else is raised, and every fault names file and line."""
    ends = sum(text.count(end) for end in "\n\r\x85\u2028\u2029")
    for fault in _faults_of(text):
        name, line, told = fault.split(":", 2)
        assert (name, bool(told.strip())) == ("c.yaml", True)
        assert 1 <= int(line) <= ends + 2


def _faults_of(text: str) -> tuple[str, ...]:
    """Faults of a text, at least one, or none of what is a catalog."""
    try:
        catalog = loads(text, "c.yaml")
    except CatalogError as error:
        return error.faults or ("c.yaml:0:",)
    return () if isinstance(catalog, Catalog) else ("c.yaml:0:",)


@given(st.binary())
def test_any_file_is_a_catalog_or_a_catalog_error(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    """Bytes of any kind."""
    file = tmp_path_factory.getbasetemp() / "any.yaml"
    file.write_bytes(data)
    with pytest.raises(CatalogError):
        load(file)
