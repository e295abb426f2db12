"""What of a judged link stands in a request."""

from __future__ import annotations

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.domain.errors import JobError
from core.net.address.gate import AddressGate
from core.net.http.client import split_url

GATE = AddressGate(["127.0.0.0/8"])


@pytest.mark.parametrize(
    ("url", "authority", "path"),
    [
        ("http://h.test", "h.test", b"/"),
        ("http://h.test:8080/a/b.ts?x=1&y=%20", "h.test:8080", b"/a/b.ts?x=1&y=%20"),
        ("https://[2606:4700::1111]/a", "[2606:4700::1111]", b"/a"),
        ("https://h.test/ä%201", "h.test", b"/%C3%A4%201"),
        ("http://h.test/a/../b", "h.test", b"/b"),
    ],
)
def test_a_link_is_split_into_host_and_escaped_path(url: str, authority: str, path: bytes) -> None:
    assert split_url(GATE.check(url).url) == (authority, path)


@given(st.text(st.sampled_from("aZ09-._~!$&'()*+,;=:@/?%äﬀ\"<>[]{}|^`"), max_size=20))
def test_every_path_is_sent_as_httpx_would_send_it(path: str) -> None:
    try:
        url = GATE.check(f"http://127.0.0.1:8/{path}").url
    except JobError:
        return
    assert split_url(url)[1] == httpx.URL(url).raw_path
