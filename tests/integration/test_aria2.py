"""aria2c in the place of our own transfer: the same files and failures, and the gate before every address."""

from __future__ import annotations

import asyncio
import hashlib
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest

from core.aria2 import fetch as aria2
from core.aria2.words import Aria2c, find_aria2c
from core.config.settings import Network
from core.domain.errors import (
    HttpFailure,
    MediaFailure,
    NetworkFailure,
    NotFound,
    SizeLimit,
    Stalled,
)
from core.domain.job import JobStatus
from core.net.address.gate import AddressGate
from core.net.egress.proxy import EgressProxy
from core.net.progress import Fetched
from core.net.seats import Seats, seating_of
from tests.fakes import media
from tests.fakes.origin import HEALTHY, Fault, Origin, Seen
from tests.fakes.transfer import MIB, Fetcher, cancelled, loopback_client, noise, sha256
from tests.fakes.wire import Authority, client, names, tls_front
from tests.integration.conftest import finish

pytestmark = pytest.mark.skipif(
    shutil.which("aria2c") is None, reason="NOTHING ABOUT ARIA2C IS TESTED: it is not installed"
)
DATA = noise(12 * MIB)
NAME = "aria2"


@dataclass
class Aria2Fetcher(Fetcher):
    """Fetches by aria2c through a gate that knows loopback."""

    aria2c: Aria2c | None = None

    async def file(
        self, path: str, *, connections: int = 4, max_bytes: int = 0, stall_s: float = 10, **facts: Any
    ) -> Fetched:
        assert self.aria2c is not None
        return await aria2.fetch_with_aria2c(
            self.aria2c,
            self.http,
            self.track(path, **facts),
            self.path,
            progress=self._tell,
            connections=connections,
            max_bytes=max_bytes,
            stall_s=stall_s,
        )

    @property
    def control(self) -> Path:
        return self.folder / "media.part.aria2"

    def asked_by_it(self, path: str) -> list[Seen]:
        """Requests that aria2c made; our own client asks for small heads."""
        return [seen for seen in self.origin.asked(path) if seen.headers["user-agent"] == NAME]


@asynccontextmanager
async def through(gate: AddressGate, folder: Path, **facts: Any) -> AsyncIterator[Aria2Fetcher]:
    program = find_aria2c()
    assert program is not None
    folder.mkdir()
    egress = EgressProxy(gate, connect_timeout_s=5, network=Network(ca_file=facts.get("ca_file")))
    await egress.start()
    http = loopback_client()
    try:
        async with Origin() as origin:
            aria2c = Aria2c(
                program=program,
                proxy_url=egress.url,
                user_agent=NAME,
                ca_file=facts.get("ca_file"),
                connect_timeout_s=5,
            )
            yield Aria2Fetcher(origin, http, folder, aria2c=aria2c)
    finally:
        await http.close()
        await egress.stop()


@pytest.fixture
async def it(tmp_path: Path) -> AsyncIterator[Aria2Fetcher]:
    async with through(AddressGate(("127.0.0.0/8",)), tmp_path / "transfer") as made:
        yield made


def programs() -> list[psutil.Process]:
    """Every aria2c that this process has started and that runs."""
    children = psutil.Process().children(recursive=True)
    return [child for child in children if child.is_running() and child.name() == "aria2c"]


async def test_a_large_file_comes_by_several_connections(it):
    data = noise(48 * MIB)
    it.origin.put("/f", data)
    fetched = await it.file("/f", checksum=f"sha256:{sha256(data)}")
    it.assert_whole(fetched, data)
    assert (fetched.fetched_bytes, fetched.resumed_bytes) == (len(data), 0)
    assert it.told[0] == (0, len(data))
    assert it.told[-1] == (len(data), len(data))
    assert len(it.asked_by_it("/f")) > 1
    assert it.origin.resource("/f").peak_active > 1


async def test_it_keeps_to_the_connections_that_its_host_has_to_spare(it):
    it.http.seats = Seats(4)
    host = seating_of(it.origin.url("/f"))
    for _ in range(2):
        await it.http.seats.take(host, "another job")
    it.origin.put("/f", noise(24 * MIB))
    await it.file("/f")
    assert it.origin.resource("/f").peak_active == 1
    assert it.http.seats.taken(host) == 2


async def test_it_comes_by_tls_through_the_tunnel(tmp_path):
    if shutil.which("openssl") is None:
        pytest.skip("NOT TESTED OVER TLS: there is no openssl to make certificates with")
    authority = Authority(tmp_path)
    hosts = names(media_test="127.0.0.1")
    gate = AddressGate(("127.0.0.0/8",), hosts)
    async with (
        through(gate, tmp_path / "transfer", ca_file=authority.ca_file) as it,
        tls_front(it.origin.port, authority.server_context("DNS:media.test")) as front,
        client(resolve=hosts, ca_file=authority.ca_file) as http,
    ):
        it.http, kept = http, it.http
        it.origin.put("/f", DATA)
        fetched = await it.file(front.url("/f", host="media.test"))
        it.assert_whole(fetched, DATA)
        assert it.asked_by_it("/f")
        it.http = kept


async def test_a_certificate_that_nobody_vouches_for_is_refused(tmp_path):
    if shutil.which("openssl") is None:
        pytest.skip("NOT TESTED OVER TLS: there is no openssl to make certificates with")
    authority = Authority(tmp_path)
    hosts = names(media_test="127.0.0.1")
    async with (
        through(AddressGate(("127.0.0.0/8",), hosts), tmp_path / "transfer") as it,
        tls_front(it.origin.port, authority.server_context("DNS:media.test")) as front,
        client(resolve=hosts, ca_file=authority.ca_file) as http,
    ):
        it.http, kept = http, it.http
        it.origin.put("/f", DATA)
        with pytest.raises(NetworkFailure):
            await it.file(front.url("/f", host="media.test"))
        assert not it.asked_by_it("/f")
        it.http = kept


async def stop_at(it: Aria2Fetcher, position: int, **options: Any) -> None:
    """Fetch until *position* is there, and cancel."""
    task = asyncio.create_task(it.file("/f", **options))
    await it.has_told(lambda done, _: done >= position)
    await cancelled(task)


async def test_cancelled_it_leaves_no_process_and_goes_on_where_it_was(it):
    resource = it.origin.put("/f", DATA)
    resource.rate_bps = MIB / 2
    await stop_at(it, 3 * MIB)
    assert programs() == []
    assert it.control.exists()
    resource.rate_bps = None
    fetched = await it.file("/f")
    it.assert_whole(fetched, DATA)
    assert fetched.resumed_bytes >= 3 * MIB
    assert fetched.fetched_bytes == len(DATA) - fetched.resumed_bytes


async def test_killed_it_goes_on_from_its_last_note(it):
    resource = it.origin.put("/f", DATA)
    resource.rate_bps = MIB / 2
    task = asyncio.create_task(it.file("/f"))
    await it.has_told(lambda done, _: done >= 3 * MIB)
    [program] = programs()
    program.kill()
    with pytest.raises(NetworkFailure, match="gave up"):
        await task
    resource.rate_bps = None
    fetched = await it.file("/f")
    it.assert_whole(fetched, DATA)
    assert fetched.resumed_bytes >= MIB


async def test_what_another_version_left_is_thrown_away(it):
    resource = it.origin.put("/f", DATA)
    resource.rate_bps = MIB / 2
    await stop_at(it, 3 * MIB)
    other = noise(len(DATA), seed=2)
    resource.body, resource.etag, resource.rate_bps = other, '"v2"', None
    fetched = await it.file("/f")
    it.assert_whole(fetched, other)
    assert fetched.resumed_bytes == 0


async def test_a_file_that_changes_while_it_comes_is_not_kept(it):
    resource = it.origin.put("/f", DATA)

    def change(seen: Seen) -> Fault:
        if seen.headers["user-agent"] == NAME:
            resource.etag = '"v2"'
        return HEALTHY

    resource.draw = change
    with pytest.raises(NetworkFailure, match="changed"):
        await it.file("/f")
    assert list(it.folder.iterdir()) == []


async def test_the_wrong_checksum_is_damage_and_nothing_is_kept(it):
    it.origin.put("/f", DATA)
    with pytest.raises(MediaFailure):
        await it.file("/f", checksum=f"sha256:{'0' * 64}")
    assert list(it.folder.iterdir()) == []


async def test_what_is_whole_but_not_published_is_not_fetched_again(it, monkeypatch):
    it.origin.put("/f", DATA)
    with monkeypatch.context() as patch:
        patch.setattr(aria2.PrefixDigest, "finish", _stopped)
        with pytest.raises(asyncio.CancelledError):
            await it.file("/f")
    asked = len(it.asked_by_it("/f"))
    fetched = await it.file("/f")
    it.assert_whole(fetched, DATA)
    assert (fetched.fetched_bytes, len(it.asked_by_it("/f"))) == (0, asked)


async def _stopped(*_: object) -> str:
    raise asyncio.CancelledError


async def test_too_large_a_file_is_not_begun(it):
    it.origin.put("/f", DATA)
    with pytest.raises(SizeLimit):
        await it.file("/f", max_bytes=len(DATA) - 1)
    assert not it.asked_by_it("/f")


async def test_a_standstill_is_noticed(it):
    it.origin.put("/f", DATA).draw = lambda seen: (
        Fault(hold_after=100) if seen.headers["user-agent"] == NAME else HEALTHY
    )
    with pytest.raises(Stalled):
        await it.file("/f", stall_s=1)
    assert programs() == []


@pytest.mark.parametrize(("status", "error"), [(403, HttpFailure), (404, NotFound), (410, NotFound)])
async def test_an_address_that_ends_on_the_way_fails_as_it_does_with_us(it, status, error):
    def end_soon(seen: Seen) -> Fault:
        if len(it.asked_by_it("/f")) > 4:
            return Fault(status=status)
        return Fault(drop_after=MIB) if seen.headers["user-agent"] == NAME else HEALTHY

    served = it.origin.put("/f", DATA)
    served.draw = end_soon
    with pytest.raises(error):
        await it.file("/f")
    served.draw = None
    fetched = await it.file("/f")
    it.assert_whole(fetched, DATA)
    assert fetched.resumed_bytes > 0


async def test_a_redirect_to_where_nobody_may_go_is_blocked(tmp_path):
    async with (
        through(AddressGate(("127.0.0.1/32",)), tmp_path / "transfer") as it,
        Origin(host="127.0.0.2") as forbidden,
    ):
        forbidden.put("/f", DATA)
        away = Fault(location=forbidden.url("/f"))
        served = it.origin.put("/f", DATA)
        served.draw = lambda seen: away if seen.headers["user-agent"] == NAME else HEALTHY
        with pytest.raises(NetworkFailure, match="gave up"):
            await it.file("/f")
        assert it.asked_by_it("/f")
        assert forbidden.requests == []


async def test_nothing_that_is_asked_for_stands_on_its_command_line(it):
    served = it.origin.put("/f", DATA)
    served.rate_bps = MIB / 2
    headers = {"Referer": "https://page.example/private"}
    task = asyncio.create_task(it.file("/f?z=1&signature=topsecret&utm_source=a", headers=headers))
    await it.has_told(lambda done, _: done > MIB)
    [program] = programs()
    shown = "\n".join([*program.cmdline(), *program.environ().values()])
    listens = [each for each in program.net_connections() if each.status == psutil.CONN_LISTEN]
    assert "topsecret" not in shown
    assert "private" not in shown
    assert it.aria2c is not None
    assert it.aria2c.proxy_url.split("@")[0].rpartition(":")[2] not in shown
    assert listens == []
    await cancelled(task)
    [one, *_] = it.asked_by_it("/f")
    assert (one.query, one.headers["referer"]) == (
        "z=1&signature=topsecret&utm_source=a",
        "https://page.example/private",
    )


@pytest.mark.parametrize(
    "facts",
    [
        {"headers": {"Cookie": "session=1"}},
        {"headers": {"Authorization": "Bearer x"}},
        {"max_range_bytes": MIB},
    ],
)
async def test_logins_and_small_ranges_stay_with_our_own_transfer(it, facts):
    it.origin.put("/f", DATA)
    it.assert_whole(await it.file("/f", **facts), DATA)
    assert not it.asked_by_it("/f")


@pytest.mark.parametrize("facts", [{"etag": None, "last_modified": None}, {"content_type": "text/html"}])
async def test_what_cannot_be_known_again_and_pages_stay_with_our_own_transfer(it, facts):
    it.origin.put("/f", DATA, **facts)
    it.assert_whole(await it.file("/f"), DATA)
    assert not it.asked_by_it("/f")


async def test_what_our_own_transfer_has_begun_it_ends(it):
    it.origin.put("/f", DATA).fail(Fault(hold_after=MIB))
    begun = asyncio.create_task(Fetcher.file(it, "/f", connections=1))
    await it.origin.held.wait()
    await it.has_told(lambda done, _: done >= MIB)
    await cancelled(begun)
    fetched = await it.file("/f")
    it.assert_whole(fetched, DATA)
    assert (fetched.resumed_bytes, it.asked_by_it("/f")) == (MIB, [])


async def test_what_it_has_begun_is_begun_anew_without_it(it):
    it.origin.put("/f", DATA).rate_bps = MIB / 2
    await stop_at(it, MIB)
    it.origin.resource("/f").rate_bps = None
    fetched = await Fetcher.file(it, "/f")
    assert (fetched.resumed_bytes, fetched.sha256) == (0, sha256(DATA))


async def test_a_program_that_has_gone_is_missed_by_nobody(it):
    it.origin.put("/f", DATA)
    assert it.aria2c is not None
    gone = {name: getattr(it.aria2c, name) for name in ("proxy_url", "user_agent", "ca_file")}
    it.aria2c = Aria2c(program=it.folder / "gone", connect_timeout_s=5, **gone)
    it.assert_whole(await it.file("/f"), DATA)


async def test_a_job_is_done_by_it_when_that_is_asked_for(run_engine, origin):
    film = media.made_once(media.video_mp4, "film.mp4").read_bytes()
    origin.put("/film.mp4", film)
    async with run_engine(network={"use_aria2c": True, "user_agent": NAME}) as engine:
        job = await finish(engine, origin.url("/film.mp4"))
    assert job.status is JobStatus.COMPLETED, job.error_message
    assert hashlib.sha256(Path(job.file_path or "").read_bytes()).hexdigest() == sha256(film)
    # Its requests came through the proxy, which closes each connection.
    assert len({seen.connection for seen in origin.asked("/film.mp4")}) > 1


async def test_without_the_program_a_job_is_done_all_the_same(run_engine, origin, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    film = media.made_once(media.video_mp4, "film.mp4").read_bytes()
    origin.put("/film.mp4", film)
    async with run_engine(network={"use_aria2c": True}) as engine:
        job = await finish(engine, origin.url("/film.mp4"))
    assert job.status is JobStatus.COMPLETED, job.error_message
