from __future__ import annotations

import pytest

from core.config.load import load_settings
from core.domain.errors import ConfigError
from tests.unit.test_tui_present import HOSTILE, assert_is_safe
from tui.actions import ACTIONS, key_name
from tui.keymap import bindings, own_keys, textual_key


def test_every_key_is_read_as_it_is_written():
    for action in ACTIONS:
        for key in action.keys:
            assert textual_key(key_name(key)) == key


@pytest.mark.parametrize(
    ("written", "key"),
    [("x", "x"), ("X", "X"), ("ctrl+D", "ctrl+d"), ("F5", "f5"), ("esc", "escape"), (";", "semicolon"),
     ("slash", "slash"), ("pgdn", "pagedown"), ("ö", "ö")],
)  # fmt: skip
def test_keys_may_be_written_in_several_ways(written, key):
    assert textual_key(written) == key


@pytest.mark.parametrize("written", ["", "xx", "ctrl+alt+q", "alt+x", "f13", "\x1b", " "])
def test_what_is_no_key_is_none(written):
    assert textual_key(written) is None


def test_an_action_may_have_several_keys():
    keys = own_keys({"pause": "F5 Ctrl+x"})
    assert keys == {"pause": ("f5", "ctrl+x")}
    assert bindings(keys) == {"jobs.pause": "f5,ctrl+x", "detail.pause": "f5,ctrl+x"}


def test_keys_may_change_places():
    assert own_keys({"pause": "x", "cancel": "p"}) == {"pause": ("x",), "cancel": ("p",)}


@pytest.mark.parametrize(
    ("wanted", "told"),
    [
        ({"pauze": "p"}, r"keys\.pauze: there is no action of this name; did you mean pause\?"),
        ({"pause": "Hyper+x"}, r"keys\.pause: Hyper\+x is no key"),
        ({"pause": "Tab"}, r"keys\.pause: Tab is no key"),
        ({"pause": ""}, r"keys\.pause: names no key"),
        ({"pause": "x"}, r"keys\.pause: x means cancel on the page detail already"),
        ({"pause": "F5", "cancel": "f5"}, "means (pause|cancel)"),
    ],
)
def test_what_cannot_be_is_named(wanted, told):
    with pytest.raises(ConfigError, match=told):
        own_keys(wanted)


def test_faults_are_named_all_at_once_with_their_lines(tmp_path):
    file = tmp_path / "config.toml"
    file.write_text(
        '[limits]\nmax_parallel_jobs = 2\n\n[keys]\npause = "F5"\npauze = "p"\ncancel = "Hyper"\n'
    )
    with pytest.raises(ConfigError) as refused:
        own_keys(load_settings(file, {}).keys, file)
    assert f"{file}:6: keys.pauze" in str(refused.value)
    assert f"{file}:7: keys.cancel" in str(refused.value)


@pytest.mark.parametrize("text", HOSTILE)
def test_a_hostile_configuration_is_told_safely(text):
    for wanted in ({text: "p"}, {"pause": text}):
        try:
            own_keys(wanted)
        except ConfigError as error:
            assert_is_safe(str(error))


def test_a_key_that_is_no_text_is_refused_by_the_configuration(tmp_path):
    file = tmp_path / "config.toml"
    file.write_text("[keys]\npause = 5\n")
    with pytest.raises(ConfigError, match=r":2: keys\.pause = 5"):
        load_settings(file, {})
