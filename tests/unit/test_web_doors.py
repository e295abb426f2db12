from __future__ import annotations

import pytest
from starlette.datastructures import Headers

from tui.web.doors import refusal
from tui.web.tab import TabSize, tab_environment

OURS = "127.0.0.1:7335"


def refused(is_socket: bool = False, **headers: str) -> str | None:
    return refusal(Headers(headers), is_socket=is_socket)


@pytest.mark.parametrize("host", [OURS, "localhost:9000", "LOCALHOST", "[::1]:7335", "127.0.0.1"])
def test_it_answers_to_the_names_of_loopback_at_any_port_as_a_tunnel_has_another(host):
    assert refused(host=host) is None


@pytest.mark.parametrize(
    "host", ["", "evil.example:7335", "127.0.0.1.evil.example", "10.0.0.1", "localhost.", "[::ffff:7f00:1]"]
)
def test_it_answers_to_no_other_name(host):
    assert refused(host=host)


def test_a_socket_is_opened_by_a_page_of_the_same_port_only():
    assert refused(is_socket=True, host=OURS, origin=f"http://{OURS}") is None
    for origin in (
        "",
        "null",
        "http://127.0.0.1:7336",
        "http://localhost:7335",
        f"https://{OURS}",
        "http://evil.example",
    ):
        assert refused(is_socket=True, host=OURS, origin=origin), origin
    assert refused(is_socket=True, host=OURS), "programs that are no browser have no business here"


def test_a_size_is_kept_within_what_a_screen_can_have():
    assert TabSize.of({"columns": 100, "lines": 30}) == TabSize(100, 30)
    assert TabSize.of({"columns": 10**9, "lines": -1}) == TabSize(500, 5)


@pytest.mark.parametrize(
    "data", [None, [], 3, {}, {"columns": "80", "lines": 24}, {"columns": 80}, {"columns": 1e99, "lines": 24}]
)
def test_what_names_no_size_is_refused(data):
    with pytest.raises(ValueError, match="no "):
        TabSize.of(data)


def test_a_dashboard_hears_nothing_of_the_terminal_that_the_server_runs_in():
    own = {"COLUMNS": "40", "TMUX": "x", "LC_ALL": "C", "TERM": "dumb", "PATH": "/bin", "NO_COLOR": "1"}
    assert tab_environment(own) == {
        "PATH": "/bin",
        "NO_COLOR": "1",
        "TERM": "xterm-256color",
        "COLORTERM": "truecolor",
        "TERM_PROGRAM": "reeldeck-web",
        "LC_ALL": "C.UTF-8",
    }
