"""The address gate: what it refuses, what it lets pass, and that no second look-up can change its mind."""

from __future__ import annotations

import ipaddress
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.domain.errors import BlockedAddress, ConfigError, InvalidRequest, NetworkFailure, ReeldeckError
from core.net.address.addresses import refusal
from core.net.address.gate import BAD_PORTS, AddressGate
from tests.fakes.wire import names

FAKES = Path(__file__).parents[1] / "fakes"
#: Hosts that are a private or special address, in whatever spelling.
BLOCKED_HOSTS = (FAKES / "blocked_hosts.txt").read_text().split()
#: The neighbours of special networks, and other addresses of the public internet.
PUBLIC_ADDRESSES = (FAKES / "public_addresses.txt").read_text().split()

#: Whole URLs that are refused for their form.
MALFORMED_URLS = [
    "",
    "example.org",
    "//example.org/",
    "/etc/passwd",
    "http:",
    "http:/",
    "http://",
    "http:///",
    "http:///example.org/",
    "http:example.org",
    "http:/example.org/",
    "http:\\\\example.org\\",
    "http:/\\example.org/",
    "http://?x",
    "http://#x",
    "http://:80/",
    "ftp://example.org/",
    "file:///etc/passwd",
    "file://example.org/etc/passwd",
    "gopher://127.0.0.1:6379/_PING",
    "dict://127.0.0.1:11211/stat",
    "data:text/html,hello",
    "javascript:alert(1)",
    "jar:http://example.org/!/",
    "unix:/run/docker.sock",
    "http+unix://%2Frun%2Fdocker.sock/info",
    "ws://example.org/",
    "httpx://example.org/",
    "http ://example.org/",
    "user@http://example.org/",
    "http://user@example.org/",
    "http://user:password@example.org/",
    "http://@example.org/",
    "http://:@example.org/",
    "http://example.org@127.0.0.1/",
    "http://127.0.0.1@example.org/",
    "http://example.org:80@127.0.0.1/",
    "http://example.org\\@127.0.0.1/",
    "http://127.0.0.1\\@example.org/",
    "http://example.org\\.evil.test/",
    "http://example.org/\\..\\x",
    "http://example.org&@127.0.0.1#@example.net/",
    "http://127.0.0.1%40example.org/",
    "http://127.0.0.1%23.example.org/",
    "http://%31%32%37.0.0.1/",
    "http://127.0.0.1%00.example.org/",
    "http://127.0.0.1%2f.example.org/",
    "http://ex%61mple.org/",
    "http://example.org%E3%80%82/",
    "http://127.0.0.1％2f/",
    "http://127.0.0.1\x00.example.org/",
    "http://exa\tmple.org/",
    "http://exa\nmple.org/",
    "http://exam\rple.org/",
    " http://example.org/",
    "http://example.org/ ",
    "http://exam ple.org/",
    "http://example.org/a b",
    "http://example.org/\r\nHost: evil.test",
    "http://example.org /",
    "http://\xa0example.org/",
    "http://exam\xadple.org/",
    "http://exam\u200bple.org/",
    "http://exam\u2060ple.org/",
    "http://\u202egro.elpmaxe/",
    "http://example\u3000.org/",
    "http://\ufeffexample.org/",
    "http://example.org/\x85",
    "http://example.org/\udc80",
    "http://exam℀ple.org/",
    "http://example.com／evil.test/",
    "http://example.com＃.evil.test/",
    "http://example.com？.evil.test/",
    "http://user＠example.com/",
    "http://example.com：80/",
    "http://example..org/",
    "http://.example.org/",
    "http://example.org../",
    "http://./",
    "http://../",
    "http://-example.org/",
    "http://example-.org/",
    "http://exam!ple.org/",
    "http://exam$ple.org/",
    "http://exam*ple.org/",
    "http://exam'ple.org/",
    'http://exam"ple.org/',
    "http://exam<ple.org/",
    "http://exam|ple.org/",
    "http://exam^ple.org/",
    "http://exam`ple.org/",
    "http://{example}.org/",
    "http://exam;ple.org/",
    "http://exam,ple.org/",
    "http://" + "a" * 64 + ".org/",
    "http://" + "a." * 130 + "org/",
    "http://example.org:port/",
    "http://example.org:-1/",
    "http://example.org:+80/",
    "http://example.org:8 0/",
    "http://example.org:80:80/",
    "http://example.org:65536/",
    "http://example.org:99999/",
    "http://example.org:000080/",
    "http://example.org:８０/",
    "http://example.org:0x50/",
    "http://::1/",
    "http://[::1/",
    "http://::1]/",
    "http://[]/",
    "http://[::1]x/",
    "http://x[::1]/",
    "http://[::1].example.org/",
    "http://[[::1]]/",
    "http://[example.org]/",
    "http://[127.0.0.1]/",
    "http://[v1.x]/",
    "http://[:::1]/",
    "http://[1::2::3]/",
    "http://[::ffff:127.1]/",
    "http://[::ffff:0x7f.0.0.1]/",
    "http://[::ffff:0177.0.0.1]/",
    "http://[12345::1]/",
    "http://1.2.3.4.5/",
    "http://256.0.0.1/",
    "http://1.2.3.256/",
    "http://08.8.8.8/",
    "http://8.8.8.0x/",
    "http://4294967296/",
    "http://0x100000000/",
    "http://1.16777216/",
    "http://1.2.65536/",
    "http://example.0x7f/",
    "http://example.1/",
    "http://127.0.0.1.0x/",
    "http://8.8.2056/",
    "http://0x08080808/",
    "http://010.8.8.8/",
    "http://134744072/",
    "http://⑧.⑧.⑧.⑧/",
    "http://8.8.8.8./",
    "http://[::ffff:8.8.8.8]/",
    "http://[2606:4700::1111%25eth0]/",
    "http://example.org/" + "a" * 20_000,
]


@pytest.mark.parametrize("host", BLOCKED_HOSTS)
def test_a_private_address_is_blocked_in_every_spelling(host: str) -> None:
    with pytest.raises(BlockedAddress):
        AddressGate().check(f"http://{host}/x?secret=1")


@pytest.mark.parametrize("url", MALFORMED_URLS)
def test_an_ambiguous_url_is_refused(url: str) -> None:
    with pytest.raises(InvalidRequest):
        AddressGate().check(url)


@pytest.mark.parametrize("address", PUBLIC_ADDRESSES)
async def test_the_neighbours_of_special_networks_are_public(address: str) -> None:
    assert refusal(ipaddress.ip_address(address)) is None
    assert await AddressGate().addresses(address, 443)


@pytest.mark.parametrize("port", sorted(BAD_PORTS - {0}))
def test_ports_of_other_protocols_are_refused(port: int) -> None:
    for host in ("example.org", "8.8.8.8", "[2606:4700::1111]"):
        with pytest.raises(BlockedAddress, match=f"port {port}"):
            AddressGate().check(f"http://{host}:{port}/")


@pytest.mark.parametrize(
    ("written", "canonical"),
    [
        ("http://example.org", "http://example.org/"),
        ("HTTP://Example.ORG:80/A?B#C", "http://example.org/A?B"),
        ("https://example.org:443/", "https://example.org/"),
        ("https://example.org:80/", "https://example.org:80/"),
        ("http://example.org:/x", "http://example.org/x"),
        ("http://example.org:08080/x", "http://example.org:8080/x"),
        ("http://example.org.:8080?q=1", "http://example.org:8080/?q=1"),
        ("http://my_bucket.s3.example.org/x", "http://my_bucket.s3.example.org/x"),
        ("http://مثال.إختبار/", "http://xn--mgbh0fb.xn--kgbechtv/"),
        ("http://bücher.example/ü?ü", "http://xn--bcher-kva.example/ü?ü"),
        ("http://ＥＸＡＭＰＬＥ。org/", "http://example.org/"),
        ("http://faß.example/", "http://xn--fa-hia.example/"),
        ("http://8.8.8.8/", "http://8.8.8.8/"),
        ("http://[2606:4700:0:0:0:0:0:1111]:8080/", "http://[2606:4700::1111]:8080/"),
        ("http://example.org/a%2Fb%40c?u=http://x@y/\\", "http://example.org/a%2Fb%40c?u=http://x@y/\\"),
        ("http://example.org/کتاب\u200cها", "http://example.org/کتاب\u200cها"),
        ("http://example.org#@127.0.0.1/", "http://example.org/"),
        ("http://example.org?@127.0.0.1/", "http://example.org/?@127.0.0.1/"),
        ("http://1.2.3.4.example/", "http://1.2.3.4.example/"),
    ],
)
def test_a_plain_url_passes_in_canonical_form(written: str, canonical: str) -> None:
    target = AddressGate().check(written)
    assert target.url == canonical
    assert AddressGate().check(canonical) == target


@given(
    value=st.integers(0, 2**32 - 1),
    form=st.sampled_from(
        ["{0}", "{0:#x}", "0{0:o}", "{1}.{2}", "{1:#x}.{3}.{4}", "0{1:o}.{3}.{5:#x}.0{6:o}"]
    ),
)
def test_every_spelling_of_an_ipv4_address_gets_the_verdict_on_the_address(value: int, form: str) -> None:
    a, b, c, d = value.to_bytes(4, "big")
    host = form.format(value, a, value & 0xFFFFFF, b, value & 0xFFFF, c, d)
    is_private = refusal(ipaddress.IPv4Address(value)) is not None
    with pytest.raises(BlockedAddress if is_private else InvalidRequest):
        AddressGate().check(f"http://{host}/")


@given(st.text(st.characters(max_codepoint=0x2FFF), max_size=30), st.text(max_size=20))
def test_no_other_parser_reads_another_host_from_what_passes(host: str, rest: str) -> None:
    try:
        target = AddressGate().check(f"http://{host}/{rest}")
    except ReeldeckError:
        return
    assert urlsplit(target.url).hostname == target.host
    assert httpx.URL(target.url).raw_host.decode() == target.host


@given(st.ip_addresses(v=6))
def test_only_global_unicast_and_carried_ipv4_can_be_public(address: ipaddress.IPv6Address) -> None:
    if refusal(address) is None and address.ipv4_mapped is None:
        assert any(address in ipaddress.ip_network(cidr) for cidr in ("2000::/3", "64:ff9b::/96"))


@given(st.ip_addresses())
def test_what_python_calls_private_is_never_public_here(
    address: ipaddress.IPv4Address | ipaddress.IPv6Address,
) -> None:
    special = address.is_private or address.is_multicast or address.is_reserved or address.is_loopback
    carries_ipv4 = address in ipaddress.ip_network("64:ff9b::/96") or getattr(address, "ipv4_mapped", None)
    if special and not carries_ipv4:
        assert refusal(address) is not None


def test_the_detail_names_host_and_judged_address_but_not_the_query() -> None:
    with pytest.raises(BlockedAddress) as caught:
        AddressGate().check("http://0x7f.1/private/path?token=secret")
    assert caught.value.detail == "127.0.0.1 is this machine"


async def test_a_name_is_blocked_with_the_address_it_resolves_to() -> None:
    gate = AddressGate(resolve=names(media_test="10.1.2.3"))
    with pytest.raises(BlockedAddress) as caught:
        await gate.addresses("media.test", 443)
    assert caught.value.detail == "media.test (10.1.2.3) is a private network"


@pytest.mark.parametrize(
    "bad", ["10.0.0.1", "::1", "fe80::1%eth0", "::ffff:127.0.0.1", "2002:7f00:1::", "junk"]
)
async def test_one_bad_answer_among_good_ones_blocks_the_name(bad: str) -> None:
    async def resolve(_host: str, _port: int) -> list[str]:
        return ["8.8.8.8", "2606:4700::1111", bad, "1.1.1.1"]

    with pytest.raises(BlockedAddress):
        await AddressGate(resolve=resolve).addresses("media.test", 443)


async def test_the_judged_answers_are_what_is_handed_out() -> None:
    async def resolve(_host: str, _port: int) -> list[str]:
        return ["8.8.8.8", "::ffff:1.1.1.1", "64:ff9b::808:808"]

    judged = await AddressGate(resolve=resolve).addresses("media.test", 443)
    assert judged == ["8.8.8.8", "1.1.1.1", "64:ff9b::808:808"]


async def test_each_look_up_is_judged_anew_so_that_rebinding_gains_nothing() -> None:
    gate = AddressGate(resolve=names(media_test=["8.8.8.8", "127.0.0.1"]))
    assert await gate.addresses("media.test", 443) == ["8.8.8.8"]
    with pytest.raises(BlockedAddress):
        await gate.addresses("media.test", 443)


async def test_a_name_without_an_address_is_a_network_failure() -> None:
    async def nothing(_host: str, _port: int) -> list[str]:
        return []

    with pytest.raises(NetworkFailure, match=r"unknown\.test"):
        await AddressGate(resolve=names()).addresses("unknown.test", 443)
    with pytest.raises(NetworkFailure, match="no address"):
        await AddressGate(resolve=nothing).addresses("unknown.test", 443)


@pytest.mark.parametrize("host", ["0x7f.1", "127.1", "[::1]", "::1", "fe80::1%lo", "127.0.0.1."])
async def test_a_look_up_judges_addresses_in_every_spelling_too(host: str) -> None:
    with pytest.raises(BlockedAddress):
        await AddressGate().addresses(host, 80)


async def test_an_allowed_network_is_exempt_on_every_port() -> None:
    gate = AddressGate(["127.0.0.0/8", "fd00::/8"], names(media_test="127.0.0.7"))
    assert gate.check("http://127.0.0.1:22/").port == 22
    assert gate.check("http://[fd00::5]:25/").host == "fd00::5"
    assert await gate.addresses("media.test", 6667) == ["127.0.0.7"]
    for elsewhere in ("http://10.0.0.1/", "http://[fe80::1]/", "http://8.8.8.8:22/"):
        with pytest.raises(BlockedAddress):
            gate.check(elsewhere)


async def test_an_exempt_loopback_is_exempt_in_both_families_so_that_localhost_works() -> None:
    async def localhost(_host: str, _port: int) -> list[str]:
        return ["::1", "127.0.0.1"]

    assert await AddressGate(["127.0.0.0/8"], localhost).addresses("localhost", 8000) == ["::1", "127.0.0.1"]
    with pytest.raises(BlockedAddress, match="localhost"):
        await AddressGate(["127.0.0.1/32"], localhost).addresses("localhost", 8000)


async def test_a_public_name_gains_no_ports_from_an_exemption() -> None:
    gate = AddressGate(["127.0.0.0/8"], names(media_test="8.8.8.8"))
    with pytest.raises(BlockedAddress, match="port 25"):
        await gate.addresses("media.test", 25)


def test_an_exempt_address_must_still_be_written_plainly() -> None:
    gate = AddressGate(["127.0.0.0/8"])
    for host in ("127.1", "0x7f000001", "[::ffff:127.0.0.1]"):
        with pytest.raises(InvalidRequest):
            gate.check(f"http://{host}/")


def test_a_single_address_is_a_network_of_one() -> None:
    gate = AddressGate(["192.168.1.5"])
    assert gate.check("http://192.168.1.5:8080/").host == "192.168.1.5"
    with pytest.raises(BlockedAddress):
        gate.check("http://192.168.1.6:8080/")


def test_a_malformed_exemption_is_a_configuration_error_that_names_it() -> None:
    with pytest.raises(ConfigError, match=r"10\.0\.0\.0/33"):
        AddressGate(["10.0.0.0/33"])


@pytest.mark.parametrize(
    "url",
    [
        "http://localhost/",
        "http://router/",
        "http://nas.local/",
        "http://metadata.google.internal/",
        "http://x.home.arpa/",
        "http://printer.lan:631/",
        "http://example.org:22/",
    ],
)
def test_where_a_proxy_looks_names_up_private_names_are_refused_by_name(url: str) -> None:
    gate = AddressGate(["192.168.0.0/16"])
    with pytest.raises(BlockedAddress):
        gate.check_unresolved(gate.check(url))


def test_where_a_proxy_looks_names_up_public_names_and_exempt_addresses_pass() -> None:
    gate = AddressGate(["192.168.0.0/16"])
    for url in ("https://example.org/", "https://localhost.example.org/", "http://192.168.1.1:22/"):
        gate.check_unresolved(gate.check(url))


def test_there_are_enough_hostile_forms_to_mean_something() -> None:
    assert len(set(BLOCKED_HOSTS)) + len(set(MALFORMED_URLS)) >= 300
