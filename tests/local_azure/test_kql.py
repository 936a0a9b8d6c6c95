"""The part of KQL that Resource Graph answers here."""

import datetime as dt
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from local.azure.resource_graph.kql import Kind, QueryError, as_json, compile_query, moment_of

NOW = dt.datetime(2024, 5, 8, 12, tzinfo=dt.UTC)
SCHEMA: dict[str, Kind] = {
    "id": "string",
    "name": "string",
    "type": "string",
    "kind": "string",
    "properties": "dynamic",
}

THINGS: list[dict[str, Any]] = [
    {
        "id": "/s/a/Vaults/One",
        "name": "alpha",
        "type": "x/things",
        "kind": "",
        "properties": {
            "status": "Completed",
            "size": 5,
            "on": True,
            "startTime": "2024-05-08T11:00:00.0000000Z",
            "took": "00:03:04.5000000",
            "list": ["p", "q"],
            "inner": {"deep": [{"x": 1}]},
        },
    },
    {
        "id": "/s/b/vaults/two",
        "name": "Beta",
        "type": "x/things",
        "kind": "k",
        "properties": {"status": "Failed", "size": 2.5, "on": False, "startTime": "2024-05-06T11:00:00Z"},
    },
    {"id": "/s/c", "name": "gamma delta", "type": "x/others", "kind": "K", "properties": {"status": None, "size": 7}},
]
OWNERS: list[dict[str, Any]] = [
    {"id": "o1", "name": "alpha", "type": "x/owners", "kind": "", "properties": {"of": "first"}},
    {"id": "o2", "name": "alpha", "type": "x/owners", "kind": "", "properties": {"of": "second"}},
]
TABLES = {"things": THINGS, "owners": OWNERS}


def ask(query: str, tables: dict[str, list[dict[str, Any]]] | None = None) -> list[dict[str, Any]]:
    """Rows of a query, as an answer would have them."""
    found = TABLES if tables is None else tables
    plan = compile_query(query, moment_of(NOW), found.keys(), "things", SCHEMA)
    rows = plan.run(lambda table, _: found[table])
    assert all(list(row) == list(plan.columns) for row in rows)
    return [{name: as_json(value) for name, value in row.items()} for row in rows]


def names(condition: str) -> list[str]:
    """Names of the things that fit a condition."""
    return [row["name"] for row in ask(f"things | where {condition}")]


def value(expression: str) -> Any:
    """What an expression is for the first thing."""
    return ask(f"things | take 1 | project v = {expression}")[0]["v"]


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("name == 'alpha'", ["alpha"]),
        ("name == 'Alpha'", []),
        ("name =~ 'ALPHA'", ["alpha"]),
        ("name != 'alpha'", ["Beta", "gamma delta"]),
        ("name !~ 'ALPHA'", ["Beta", "gamma delta"]),
        ("kind == 'k'", ["Beta"]),
        ("name in ('alpha', 'beta')", ["alpha"]),
        ("name in~ ('ALPHA', 'beta')", ["alpha", "Beta"]),
        ("name !in ('alpha')", ["Beta", "gamma delta"]),
        ("name !in~ ('ALPHA', 'beta')", ["gamma delta"]),
        ("name in (dynamic(['alpha','x']))", ["alpha"]),
        ("name has 'DELTA'", ["gamma delta"]),
        ("name has 'delt'", []),
        ("name has_cs 'DELTA'", []),
        ("id has 'vaults'", ["alpha", "Beta"]),
        ("name !has 'delta'", ["alpha", "Beta"]),
        ("name has_any ('DELTA', 'beta')", ["Beta", "gamma delta"]),
        ("name has_all ('DELTA', 'gamma')", ["gamma delta"]),
        ("name contains 'ET'", ["Beta"]),
        ("name contains_cs 'ET'", []),
        ("name !contains 'et'", ["alpha", "gamma delta"]),
        ("name startswith 'be'", ["Beta"]),
        ("name startswith_cs 'be'", []),
        ("name !startswith 'be'", ["alpha", "gamma delta"]),
        ("name endswith 'TA'", ["Beta", "gamma delta"]),
        ("name matches regex '^[a-z]+$'", ["alpha"]),
        ("name > 'a'", ["alpha", "gamma delta"]),
    ],
)
def test_string_operators_have_their_own_idea_of_case(condition: str, expected: list[str]) -> None:
    """`==`, `in` and the `_cs` ones heed case, `=~`, `in~` and the others don't; `has` wants whole terms."""
    assert names(condition) == expected


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("properties.status == 'Completed'", ["alpha"]),
        ("properties.status != 'Completed'", ["Beta", "gamma delta"]),
        ("properties.size > 2.5", ["alpha", "gamma delta"]),
        ("properties.size == 5", ["alpha"]),
        ("properties.size in (5, 7)", ["alpha", "gamma delta"]),
        ("properties.on == true", ["alpha"]),
        ("properties.on == 'true'", ["alpha"]),
        ("properties.on == 'false'", ["Beta"]),
        ("properties['status'] =~ 'failed'", ["Beta"]),
        ("properties.inner.deep[0].x == 1", ["alpha"]),
        ("properties.list[-1] == 'q'", ["alpha"]),
        ("properties.list[9] == 'q'", []),
        ("properties.Status == 'Completed'", []),
        ("properties.startTime > datetime(2024-05-07)", ["alpha"]),
        ("properties.startTime > ago(1d)", ["alpha"]),
        ("todatetime(properties.startTime) between (datetime(2024-05-06) .. datetime(2024-05-07))", ["Beta"]),
        ("totimespan(properties.took) > 3m", ["alpha"]),
        ("properties.took < 1h", ["alpha"]),
        ("isnull(properties.on)", ["gamma delta"]),
        ("isnotnull(properties.on)", ["alpha", "Beta"]),
        ("isempty(kind)", ["alpha"]),
        ("isnotempty(properties.status)", ["alpha", "Beta"]),
    ],
)
def test_dynamic_values_are_converted_to_what_they_are_compared_with(condition: str, expected: list[str]) -> None:
    """A property becomes text beside text (true is 'true'), a time beside a time; its name's case counts."""
    assert names(condition) == expected


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("name == 'alpha' and tobool(properties.on) or name == 'Beta'", ["alpha", "Beta"]),
        ("name == 'alpha' and (tobool(properties.on) or name == 'Beta')", ["alpha"]),
        ("not(name == 'alpha')", ["Beta", "gamma delta"]),
        ("tobool(properties.on)", ["alpha"]),
        ("not(tobool(properties.on))", ["Beta"]),
        ("tobool(properties.on) or true", ["alpha", "Beta", "gamma delta"]),
        ("todatetime(properties.startTime) > datetime(2000-01-01)", ["alpha", "Beta"]),
        ("not(todatetime(properties.startTime) > datetime(2000-01-01))", []),
        ("todatetime(properties.startTime) != datetime(2000-01-01)", ["alpha", "Beta", "gamma delta"]),
    ],
)
def test_conditions_have_three_values(condition: str, expected: list[str]) -> None:
    """Null is neither true nor false, and `or` is weaker than `and`."""
    assert names(condition) == expected


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("tolower('AbC')", "abc"),
        ("toupper(name)", "ALPHA"),
        ("strlen(name)", 5),
        ("strcat('OnDemand', properties.status, 1, true)", "OnDemandCompleted1true"),
        ("tostring(properties.size)", "5"),
        ("tostring(properties.nothing)", ""),
        ("tostring(properties.inner)", '{"deep":[{"x":1}]}'),
        ("toint('12')", 12),
        ("toint('12x')", None),
        ("tolong(2.9)", 2),
        ("todouble('1.5')", 1.5),
        ("tobool('TRUE')", True),
        ("todatetime('2024-05-08T11:00:00.5+02:00')", "2024-05-08T09:00:00.5000000Z"),
        ("todatetime('soon')", None),
        ("datetime(2024-05-08)", "2024-05-08T00:00:00.0000000Z"),
        ("now()", "2024-05-08T12:00:00.0000000Z"),
        ("ago(90m)", "2024-05-08T10:30:00.0000000Z"),
        ("now() - todatetime(properties.startTime)", "01:00:00"),
        ("datetime(2024-05-08) + 1.5d", "2024-05-09T12:00:00.0000000Z"),
        ("2d / 12h", 4.0),
        ("totimespan('1.02:03:04')", "1.02:03:04"),
        ("bin(todatetime(properties.startTime), 1d)", "2024-05-08T00:00:00.0000000Z"),
        ("startofday(now())", "2024-05-08T00:00:00.0000000Z"),
        ("split(id, '/')[2]", "a"),
        ("split(split(id, '/Vaults/')[1], '/')[0]", "One"),
        ("split('a,b,c', ',', 1)", ["b"]),
        ("extract('/s/(\\\\w+)/', 1, id)", "a"),
        ("extract('z(.)', 1, id)", ""),
        ("replace_string(name, 'a', 'o')", "olpho"),
        ("replace('a(.)', '<\\\\1>', 'abc')", "<b>c"),
        ("trim('/', id)", "s/a/Vaults/One"),
        ("substring(name, 1, 2)", "lp"),
        ("indexof(name, 'ph')", 2),
        ("iff(name == 'alpha', 1, 2)", 1),
        ("case(name == 'x', 'one', properties.on == 'true', 'two', 'three')", "two"),
        ("coalesce(properties.nothing, properties.status)", "Completed"),
        ("array_length(properties.list)", 2),
        ("array_length(properties.status)", None),
        ("parse_json('{\"a\": [1, 2]}').a[1]", 2),
        ("dynamic({'a': 1}).a", 1),
        ("bag_keys(properties.inner)", ["deep"]),
        ("1 + 2 * 3 - -4", 11),
        ("7 / 2", 3),
        ("-7 / 2", -3),
        ("7 / 2.0", 3.5),
        ("7 % 4", 3),
        ("1 / 0", None),
        ("properties.size + 1", 6),
        ("properties.nothing + 1", None),
        ("@'a\\b'", "a\\b"),
        ("'it\\'s'", "it's"),
        ('"say \\"so\\""', 'say "so"'),
        ("datetime(9999-12-31) + 1000d", None),
    ],
)
def test_expressions(expression: str, expected: Any) -> None:
    """Functions, operators and literals give what Kusto gives."""
    assert value(expression) == expected


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("things | project name | limit 2", [{"name": "alpha"}, {"name": "Beta"}]),
        ("project name | take 1", [{"name": "alpha"}]),
        ("THINGS | project properties.status | take 1", [{"properties_status": "Completed"}]),
        ("things | project tolower(name), strlen(id) | take 1", [{"Column1": "alpha", "Column2": 15}]),
        ("things | project x = 1, ['a b'] = name | take 1", [{"x": 1, "a b": "alpha"}]),
        (
            "things | extend name = strcat(name, '!') | project-away id, type, kind, properties | take 1",
            [{"name": "alpha!"}],
        ),
        (
            "things | project id, name | project-rename label = name | take 1",
            [{"id": "/s/a/Vaults/One", "label": "alpha"}],
        ),
        ("things | order by name | project name", [{"name": "gamma delta"}, {"name": "alpha"}, {"name": "Beta"}]),
        ("things | sort by name asc | project name", [{"name": "Beta"}, {"name": "alpha"}, {"name": "gamma delta"}]),
        (
            "things | order by kind asc, name desc | project name",
            [{"name": "alpha"}, {"name": "gamma delta"}, {"name": "Beta"}],
        ),
        ("things | top 1 by todouble(properties.size) | project name", [{"name": "gamma delta"}]),
        ("things | where type == 'x/things' | count", [{"Count": 2}]),
        ("things | distinct type", [{"type": "x/things"}, {"type": "x/others"}]),
        ("things | project type | distinct *", [{"type": "x/things"}, {"type": "x/others"}]),
        ("things | summarize count() by type", [{"type": "x/things", "count_": 2}, {"type": "x/others", "count_": 1}]),
        ("things | where name == 'none' | summarize n = count(), max(name)", [{"n": 0, "max_name": ""}]),
        ("things | where name == 'none' | summarize count() by type", []),
        ("things | summarize countif(name has 'alpha'), dcount(type)", [{"countif_": 1, "dcount_type": 2}]),
        (
            "extend n = todouble(properties.size) | summarize max(n), low = min(n), sum(n), avg(strlen(name))",
            [{"max_n": 7, "low": 2.5, "sum_n": 14.5, "avg_": 20 / 3}],
        ),
        (
            "things | summarize make_list(name), make_set(type)",
            [{"list_name": ["alpha", "Beta", "gamma delta"], "set_type": ["x/things", "x/others"]}],
        ),
        (
            "extend t = todatetime(properties.startTime) | summarize arg_max(t, name) by type",
            [
                {"type": "x/things", "t": "2024-05-08T11:00:00.0000000Z", "name": "alpha"},
                {"type": "x/others", "t": None, "name": "gamma delta"},
            ],
        ),
        (
            "things | project name, type | summarize arg_min(name, *) by type",
            [{"type": "x/things", "name": "Beta"}, {"type": "x/others", "name": "gamma delta"}],
        ),
        ("things | where name == 'none' | summarize arg_max(name, id)", [{"name": "", "id": ""}]),
        ("things | summarize by kind | count", [{"Count": 3}]),
        (
            "summarize n = count() by d = bin(todatetime(properties.startTime), 2d) | where isnotnull(d) | project n",
            [{"n": 1}, {"n": 1}],
        ),
        ("things // all of them\n| project name\n\n| take 1 // one", [{"name": "alpha"}]),
    ],
)
def test_operators(query: str, expected: list[dict[str, Any]]) -> None:
    """Each operator leaves the rows and columns that Kusto leaves."""
    assert ask(query) == expected


def test_nulls_are_sorted_where_kusto_puts_them() -> None:
    """First when ascending, last when descending, unless the query says otherwise."""
    column = "todatetime(properties.startTime)"
    assert next(row["name"] for row in ask(f"order by {column} asc")) == "gamma delta"
    assert [row["name"] for row in ask(f"order by {column} desc")][-1] == "gamma delta"
    assert [row["name"] for row in ask(f"order by {column} asc nulls last")] == ["Beta", "alpha", "gamma delta"]
    assert [row["name"] for row in ask(f"order by {column} desc nulls first")] == ["gamma delta", "alpha", "Beta"]


def test_an_extended_column_comes_at_the_end() -> None:
    """One that replaces another too, as in the recorded answer about jobs."""
    assert list(ask("extend kind = 'new', more = 1")[0]) == ["id", "name", "type", "properties", "kind", "more"]


def test_joins() -> None:
    """Rows meet by their keys; a name that is there already gets a number; an unmatched row has empty columns."""
    keys = "project name, who = id) on name"
    assert ask(f"things | project name | join kind=inner (owners | {keys}") == [
        {"name": "alpha", "name1": "alpha", "who": "o1"},
        {"name": "alpha", "name1": "alpha", "who": "o2"},
    ]
    outer = ask(f"things | project name | join kind=leftouter (owners | take 1 | {keys}")
    assert outer == [
        {"name": "alpha", "name1": "alpha", "who": "o1"},
        {"name": "Beta", "name1": "", "who": ""},
        {"name": "gamma delta", "name1": "", "who": ""},
    ]
    twice = "owners | project name | join (owners | project who = id, n = name) on $left.name == $right.n"
    assert [row["who"] for row in ask(twice)] == ["o1", "o2"]  # innerunique: equal rows on the left count once
    swapped = twice.replace("$left.name == $right.n", "$right.n == $left.name")
    assert ask(swapped) == ask(twice)


def test_unions() -> None:
    """Columns of all sides are there; a side without one has nothing in it."""
    assert ask("owners | project id | union (things | take 1 | project name, n = 1)") == [
        {"id": "o1", "name": "", "n": None},
        {"id": "o2", "name": "", "n": None},
        {"id": "", "name": "alpha", "n": 1},
    ]


def test_only_types_that_a_query_asks_for_are_looked_at() -> None:
    """What the first filters say of the type is told to the source of the rows; anything doubtful isn't."""
    asked: list[frozenset[str] | None] = []

    def source(_: str, types: frozenset[str] | None) -> list[dict[str, Any]]:
        asked.append(types)
        return THINGS

    for query in (
        "where type =~ 'X/Things'",
        "where name == 'a' | where type in~ ('x/Things', 'x/others') and kind == ''",
        "where type == 'x/things' or name == 'b'",
        "where type != 'x/things'",
        "extend type = 'x' | where type == 'x'",
        "where type == 'a' | where type == 'b'",
    ):
        compile_query(query, moment_of(NOW), TABLES, "things", SCHEMA).run(source)
    assert asked == [frozenset({"x/things"}), frozenset({"x/things", "x/others"}), None, None, None, frozenset()]


@pytest.mark.parametrize(
    ("query", "line", "column", "token"),
    [
        ("where where", 1, 11, "<EOF>"),
        ("where where | take 1", 1, 12, "|"),
        ("", 1, 0, "<EOF>"),
        ("things | ", 1, 9, "<EOF>"),
        ("things | whre name == 'a'", 1, 9, "whre"),
        ("things\n| where name = 'a'", 2, 13, "="),
        ("things | where name == 'a", 1, 23, "'"),
        ("things | parse id with *", 1, 9, "parse"),
        ("things | mv-expand properties", 1, 9, "mv"),
        ("things | where (name == 'a'", 1, 27, "<EOF>"),
        ("things; other", 1, 6, ";"),
        ("things | take -1", 1, 14, "-"),
    ],
)
def test_what_cannot_be_parsed_is_refused_with_its_place(query: str, line: int, column: int, token: str) -> None:
    """The line from 1, the characters before, and the token; the end of the query is `<EOF>`."""
    with pytest.raises(QueryError) as refused:
        ask(query)
    error = refused.value
    assert (error.code, error.line, error.column, error.token) == ("ParserFailure", line, column, token)
    assert error.detail()["message"] == "ParserFailure"


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ("things | where nme == 'a'", "Failed to resolve .*'nme'"),
        ("things | project name | where id == 'a'", "Failed to resolve .*'id'"),
        ("things | project-away nme", "Failed to resolve .*'nme'"),
        ("things | where nowhere(name) == 'a'", "Unknown function: 'nowhere'"),
        ("things | where tolower(name, 'x') == 'a'", "arguments"),
        ("things | where tolower(1) == 'a'", "explicit cast"),
        ("things | where name == 1", "Cannot compare"),
        ("things | where todatetime(name) > '2024-01-01'", "Cannot compare"),
        ("things | where properties.a == properties.b", "Cannot compare"),
        ("things | where name in ('a', 1)", "Cannot compare"),
        ("things | where name in (name, 'b')", "constants"),
        ("things | where name", "condition"),
        ("things | where properties.on", "condition"),
        ("things | where name.x == 'a'", "only dynamic"),
        ("things | where name matches regex '('", "regular expression"),
        ("things | where todatetime(name) > datetime(yesterday)", "is no datetime"),
        ("things | where true < false", "no order"),
        ("things | extend x = name + 1", "can't be used"),
        ("things | extend x = iff(true, 1, 'a')", "of one"),
        ("things | extend x = ago(name)", "timespan"),
        ("things | order by properties.size", "explicit cast"),
        ("things | summarize count() by properties.status", "explicit cast"),
        ("things | distinct properties", "explicit cast"),
        ("things | summarize name", "no aggregate"),
        ("things | summarize sum(name)", "adds numbers"),
        ("things | join kind=fullouter (owners) on name", "aren't served"),
        ("things | join (owners) on properties", "explicit cast"),
        ("things | join (owners) on $left.name == $left.name", "joined by"),
        ("things | project x = *", None),
        ("nowhere | take 1", "invalid, unsupported or disallowed"),
        ("things | where " + "not(" * 3000 + "true" + ")" * 3000, "too deeply"),
    ],
)
def test_what_means_nothing_is_refused(query: str, reason: str | None) -> None:
    """Unknown names, types that don't go together, what isn't served: an error, never a guess."""
    with pytest.raises(QueryError, match=reason):
        ask(query)


def test_a_query_that_limits_itself_is_not_paged() -> None:
    """As documented: neither after limit or take, nor when all columns are dynamic; top may be paged."""

    def pageable(query: str) -> bool:
        return compile_query(query, moment_of(NOW), TABLES, "things", SCHEMA).pageable

    assert pageable("project name")
    assert pageable("top 5 by name")
    assert not pageable("project name | limit 5")
    assert not pageable("project name | take 5")
    assert not pageable("project properties, tags = properties.a")


_TOKENS = """
things | | where project extend order by summarize count() take limit 1 5d name properties . [ ] ( ) , = == =~ != < >
in~ in has contains and or not( tolower( split( ago( bin( 'a' "b" '(' @'x' datetime(2024-01-01) datetime(x) '\\d'
dynamic({}) true * + - / iff( case( distinct join kind on $left desc asc nulls first between .. matches regex
"""
_WORDS = st.sampled_from(_TOKENS.split())


@settings(max_examples=400, deadline=None)
@given(st.lists(_WORDS, max_size=14).map(" ".join))
def test_any_text_is_answered_or_refused(query: str) -> None:
    """Whatever is sent, it gives rows or a QueryError, never another exception."""
    try:
        rows = ask(query)
    except QueryError as error:
        detail = error.detail()
    else:
        detail = {"line": 1, "rows": rows}
    assert detail["line"] >= 1


@settings(deadline=None)
@given(st.text(st.characters(exclude_categories=["Cc", "Cs"])))
def test_a_quoted_text_is_that_text(text: str) -> None:
    """With backslashes and quotes escaped nothing leaves a literal, and nothing in it is lost."""
    literal = "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
    assert value(literal) == text
