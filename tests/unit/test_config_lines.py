"""Lines of keys in TOML texts of every form."""

from __future__ import annotations

import tomllib

from core.config.lines import key_lines

TEXT = '''\
# comment
top = 1
dotted.key = 2

[table]   # [not.a.table]
plain = 1
"quoted key" = 2
array = [
    1,  # [also.not]
    2,
]
inline = {a = 1, b = {c = 2}}
text = """
[fake]
plain = 3
"""
[table.inner]
x = 1
[[list]]
name = "first"
[list.inner]
y = 1
[[list]]
name = "second"
[[list.deep]]
z = 1
[[list.deep]]
z = 2
'''


def test_every_key_and_table_has_the_line_its_statement_begins_on():
    lines = key_lines(TEXT)
    assert lines["top",] == 2
    assert lines["dotted", "key"] == 3
    assert lines["table",] == 5
    assert lines["table", "plain"] == 6
    assert lines["table", "quoted key"] == 7
    assert lines["table", "array", 1] == 8
    assert lines["table", "inline", "b", "c"] == 12
    assert lines["table", "text"] == 13
    assert lines["table", "inner", "x"] == 18
    assert lines["list", 0] == 19
    assert lines["list", 0, "name"] == 20
    assert lines["list", 0, "inner", "y"] == 22
    assert lines["list", 1, "name"] == 24
    assert lines["list", 1, "deep", 0, "z"] == 26
    assert lines["list", 1, "deep", 1, "z"] == 28
    assert ("fake",) not in lines


def test_every_value_of_the_text_is_found():
    def paths(content, path=()):
        items = content.items() if isinstance(content, dict) else enumerate(content)
        for name, inner in items:
            yield (*path, name)
            if isinstance(inner, dict | list):
                yield from paths(inner, (*path, name))

    found = key_lines(TEXT)
    assert [path for path in paths(tomllib.loads(TEXT)) if path not in found] == [
        ("list",),
        ("list", 1, "deep"),
    ]


def test_an_empty_text_has_no_lines():
    assert key_lines("") == {}
