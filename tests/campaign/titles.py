"""Texts of strangers in every field of every screen, on a dashboard in the terminal that this is started in.

`python -m tests.campaign.titles KIND SEED FIRST COUNT CLOSELY FOLDER`: KIND is `hostile` or `plain`, CLOSELY
how many rows of each list are looked at one by one. Whoever starts it reads what reaches the terminal.
"""

from __future__ import annotations

import asyncio
import json
import random
import sys
from collections.abc import Sequence
from pathlib import Path

from tui.terminal import prepare_environment

prepare_environment()  # before Textual is imported, which reads the environment only then

from core.domain.delivery import DeliveryState  # noqa: E402 -- as above
from core.domain.errors import InvalidRequest  # noqa: E402 -- as above
from core.domain.events import EventType  # noqa: E402 -- as above
from core.domain.job import JobStatus, Kind, Stage  # noqa: E402 -- as above
from core.domain.media import FormatInfo, Role  # noqa: E402 -- as above
from core.domain.profile import ProfileReason, ProfileStatus  # noqa: E402 -- as above
from core.domain.snapshot import MetadataPreview  # noqa: E402 -- as above
from tests.fakes.engine import FakeEngine  # noqa: E402 -- as above
from tests.fakes.library import an_item  # noqa: E402 -- as above
from tests.fakes.limits import a_limit  # noqa: E402 -- as above
from tests.tui.person import Dashboard  # noqa: E402 -- as above
from tui import outflow  # noqa: E402 -- as above
from tui.app import ReeldeckApp  # noqa: E402 -- as above
from tui.widgets import preview_pane  # noqa: E402 -- as above

#: What a terminal obeys or is confused by, what reorders a line, and what is wider than it is counted.
FRAGMENTS = (
    "\x1b[2J", "\x1b[31;7m", "\x1b[?1049l", "\x1b[?25l", "\x1b[6n", "\x1b[c", "\x1b[>q", "\x1b[5i", "\x1bc",
    "\x1b#8", "\x1b]0;owned\x07", "\x1b]2;owned\x1b\\", "\x1b]52;c;cm0gLXJm\x07",
    "\x1b]8;;http://x.example\x1b\\", "\x1b]50;?\x07", "\x1bPtmux;\x1b\x1b]52;c;aGk=\x07\x1b\\",
    "\x1bP+q544e\x1b\\", "\x1b_Gf=100;AAAA\x1b\\", "\x1b^pm\x1b\\", "\x1bXsos\x1b\\", "\x1b", "\x1b[",
    "\x1b]", "\x1b[999999999B", "\x1b[1;1H", "\x1b[3g", "\x1bM", "\x1b(0", "\x0e", "\x0f", "\x9b2J",
    "\x9d0;x\x9c", "\x90q\x9c", "\x85", "\x84", "\x8d", "\x9f", "\x00", "\x05", "\x07", "\x08" * 9, "\t",
    "\n", "\r", "\x0b", "\x0c", "\x7f", "\u2028", "\u2029", "\u202e", "\u202d", "\u2066", "\u2069",
    "\u200f", "\u061c", "\u200b", "\u2060", "\ufeff", "\u00ad", "\u200d", "\u034f", "\u180e", "\u115f",
    "\u3164", "\ufe0f", "\ufe0e", "\U000e0041\U000e007f", "\U000e0100", "\ufff9a\ufffab\ufffb", "\ud800",
    "\udfff", "\ue000", "\uffff", "\U0010fffd", "e\u0301", "a" + "\u0301" * 40, "\u0e49" * 12, "\u0489",
    "\u20e3", "\u1ab0", "\u1100\u1161\u11a8", "\u1161", "\u11a8", "👩‍👩‍👧‍👦", "🏳️‍🌈", "👍🏽",
    "🇸🇾", "🇸", "1️⃣", "⌚", "☺️", "\U0001fae9", "\U0001f6dc", "\u2630", "\U0001d301", "𠀀", "字",
    "ﷺ", "東京の夜景", "محاضرة في التفسير", "שלום", "नमस्ते", "ไทย", "ﬃ", "𒐫", "꧅", "Ａ", "ｱﾞ", "ä",
    "─", "█", "[bold red]", "[/]", "[/bold]", "[@click=app.bell]x[/]", "[link=http://x]", "$error", "{0}",
    "{name}", "%s", "%n", "\\", "`id`", "$(reboot)", "'; --", "<script>", "&#27;", "=cmd|' /C'!A0", "..",
    "/../../etc/passwd", "~", "-rf",
)  # fmt: skip
WORDS = (
    "talk",
    "concert",
    "night",
    "river",
    "first part",
    "2024",
    "live",
    "HD",
    "(official)",
    "a",
    "interview",
)
STATUSES = (
    {"status": JobStatus.FAILED},
    {"status": JobStatus.RUNNING, "stage": Stage.DOWNLOAD, "bytes_done": 5, "size_bytes": 9},
    {"status": JobStatus.COMPLETED},
    {"status": JobStatus.PENDING},
    {"status": JobStatus.PAUSED},
    {"status": JobStatus.QUEUED},
)
#: A word that no text has: with it a filter finds nothing, whatever stands before it.
NOWHERE = "zyzzyva"
TOLD = ("message", "waiting_for", "attempt", "note", "entries", "from", "to")


def texts(kind: str, seed: int, first: int, count: int) -> list[str]:
    """*count* texts, the same for the same numbers; lone fragments first, then mixtures."""
    found = []
    for number in range(first, first + count):
        chance = random.Random(f"{seed} {number}")
        pieces = chance.choices(FRAGMENTS if kind == "hostile" else WORDS, k=chance.choice((1, 2, 3, 5, 40)))
        if kind == "hostile" and number < len(FRAGMENTS):
            pieces = [FRAGMENTS[number], "x"]
        found.append((" " if kind == "plain" else chance.choice(("", "", " ", "x"))).join(pieces))
    return found


def an_engine(strange: Sequence[str], log: Path) -> FakeEngine:
    """An engine that has heard each of *strange* as everything that it can hear."""
    engine = ManySources()
    engine.strange = strange
    engine.telegram = {"state": "online", "account": strange[0], "detail": strange[1], "wait_until": None}
    engine.running_limits = {}
    lines = []
    for number, text in enumerate(strange):
        login = engine.add_login(
            text or "x", text, account=text, cookie_file_path=f"/{text}", status=ProfileStatus.DISABLED,
            reason=(ProfileReason.ROTATED, ProfileReason.EXPIRED)[number % 2],
        )  # fmt: skip
        job = engine.add(
            f"https://example.org/{text}", title=text, source_type=text[:9] or "x", error_type=text or "X",
            error_message=text, error_hint=text, file_path=f"/{text}", sha256=text, quality=text, format=text,
            profile=text, group_id=engine.add_group(text), chat_id=number + 1, auth_profile_id=login.id,
            waiting_for=f"auth:{text}", **STATUSES[number % len(STATUSES)],
        )  # fmt: skip
        engine.watch(number + 1, text, sources=(text,), quality=text, last_message_id=3)
        engine.watch(number + 1, f"{text} / {text}", topic_id=5)
        state = list(DeliveryState)[number % len(DeliveryState)]
        for error_type in (text, None):
            engine.add_delivery(
                job.id, 1, state=state, error_type=error_type, error_message=text, upload_parts_total=9
            )
        engine.media.append(
            an_item(number + 1, title=text, artist=text, album=text, date=text, container=text, url=text,
                    file_path=text, performers=text, source_type=text, sha256="one", track_number=1)
        )  # fmt: skip
        engine.running_limits[f"{number} {text}"] = a_limit(f"{number} {text}", about=text)
        lines.append(
            {"event": text, "level": text, "message": text, text: text, "exception": [text], "job_id": job.id}
        )
        engine.previews[f"https://example.org/{number}"] = MetadataPreview(
            url=text, source=text, title=text, kind=Kind.VIDEO, duration_s=1.0, size_bytes=5,
            sample=(text,) * 3,
            entries=9 if number % 2 else None,
            formats=() if number % 2 else tuple(
                FormatInfo(id=f"{each}{text}", role=Role.VIDEO, container=text, codecs=text, note=text)
                for each in range(3)
            ),
        )  # fmt: skip
    engine.dialogs = list(engine.rules.values())
    log.write_text("".join(json.dumps(line) + "\n" for line in lines), "utf-8")
    return engine


class ManySources(FakeEngine):
    """Has a source for each text, in trouble."""

    strange: Sequence[str] = ()

    async def sources(self):
        template = (await super().sources())[1]
        trouble = {"state": "open", "since": None, "retry_at": None}
        return [
            {**template, "name": f"{text}{number}", "label": text, "enabled": number % 5 > 0,
             "breaker": {**trouble, "reason": text}, "hosts": [{**trouble, "host": text, "reason": text}],
             "slowed": [{"host": text, "gap_s": 1.0}]}
            for number, text in enumerate(self.strange)
        ]  # fmt: skip


class Walker:
    """Looks at everything.

    Args:
        shown: The dashboard.
        engine: Its engine.
        closely: How many rows of each list are looked at one by one.
    """

    def __init__(self, shown: Dashboard, engine: FakeEngine, closely: int) -> None:
        self.shown, self.engine, self.closely = shown, engine, closely

    async def rows(self, *keys: str) -> None:
        """All rows of a list; *keys* are pressed on those that are looked at closely."""
        await self.shown.press("g")
        for _ in range(self.closely):
            if keys:
                await self.shown.press(*keys)
            await self.shown.press("j")
        await self.shown.press(*["pagedown"] * 6, "G", "g")

    async def run(self) -> None:
        """Every page, every dialog."""
        press = self.shown.press
        await self.rows("enter", "G", "escape")
        await press("y", "y", "escape", "P", "escape", "x", "escape", "colon", "escape", "L", "escape", "1")
        await self.said()
        await self.happened()
        for page in "23456":
            await press(page)
            await self.rows()
        await press(
            "3", "enter", "1", "slash", "escape", "3", "D", "escape", "Y", "Y", "escape", "a", "tab", "escape"
        )
        await press("4", "d")
        await self.rows()
        await press("escape", "e", "escape", "a", "down", "escape", "D", "escape")
        await press("5", "Y", "Y", "escape", "s", "escape", "6", "y", "y", "escape", "comma")
        await self.rows()
        await press("j", "enter", "escape", "escape", "1")
        await self.previews()

    async def said(self) -> None:
        """Each text as a notice, and as a refusal."""
        for text in self.strange:
            self.shown.app.deck.say(text)
            await self.shown.settle()
            self.engine.fail_next("patch", InvalidRequest(text, hint=text))
            await self.shown.press("plus")

    async def happened(self) -> None:
        """Each text in an event of each kind."""
        kinds = list(EventType)
        for number, text in enumerate(self.strange):
            self.engine.emit(kinds[number % len(kinds)], number + 1, **dict.fromkeys(TOLD, text))
            self.shown.app.ask_paint()
            await self.shown.settle()

    async def previews(self) -> None:
        """Links in the dialog, and texts pasted there and into the filter."""
        for number, text in enumerate(self.strange):
            if number % 2 == 0:
                await self.shown.press("a")
                await self.shown.paste(f"https://example.org/{number}")
                await self.shown.until(lambda: "looking at" not in self.shown.text)
                await self.shown.paste(text)
                await self.shown.press("escape", "slash")
                await self.shown.paste(f"{text} {NOWHERE}")
                await self.shown.press("escape", "g")

    @property
    def strange(self) -> Sequence[str]:
        return self.engine.strange[: self.closely]  # type: ignore[attr-defined]


async def show(strange: Sequence[str], closely: int, folder: Path) -> None:
    """One dashboard with all of *strange*."""
    log = folder / "log.jsonl"
    engine = an_engine(strange, log)
    app = ReeldeckApp(engine, repaints_hz=50, log_file=log)
    async with app.run_test(headless=False) as pilot:
        shown = Dashboard(app, pilot)
        await shown.until(lambda: app.deck.sync.is_loaded and app.deck.sync.chats)
        await Walker(shown, engine, closely).run()


def main(kind: str, seed: str, first: str, count: str, closely: str, folder: str) -> None:
    """Show them."""
    # Each screen is to be sent, however busy the reader.
    outflow.Outflow.wait_s = lambda _: None  # type: ignore[method-assign]
    preview_pane.DEBOUNCE_S = 0.001
    asyncio.run(show(texts(kind, int(seed), int(first), int(count)), int(closely), Path(folder)))


if __name__ == "__main__":
    main(*sys.argv[1:])
