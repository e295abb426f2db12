"""The way through every screen of the dashboard, in the order in which a curious person would go it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass

from tests.tui.person import Dashboard


@dataclass(frozen=True, slots=True)
class Stop:
    """A screen: the keys that lead to it, what it then shows, and the keys that lead back."""

    name: str
    keys: tuple[str, ...] = ()
    shows: str = ""
    back: tuple[str, ...] = ()
    paste: str = ""


THREE = "https://a.example/1 b.example https://c.example/2 https://d.example/3"
STOPS = (
    Stop("jobs", (), "15:00:00  fetching"),
    Stop("jobs, marked", ("space", "space"), "2 marked", ("escape",)),
    Stop("jobs, filtered", ("slash", *"source:you"), "5 of 12", ("escape",)),
    Stop("jobs, nothing found", ("slash", *"zzz"), "No job matches", ("escape",)),
    Stop("jobs, an empty tab", ("right", "right", "right", "right", "right", "right"), "", ("escape",)),
    Stop("job", ("g", "enter"), "ATTEMPTS", ("escape",)),
    Stop("copied", ("y",), "clipboard"),
    Stop("copy by hand", ("y",), "to be copied by hand", ("escape",)),
    Stop("keys", ("question_mark",), "JOBS", ("escape",)),
    Stop("palette", ("colon",), "Enter does it", ("escape",)),
    Stop("add", ("a",), "Add links", ("escape",)),
    Stop("add, one link", ("a",), "h264", ("escape",), paste="https://example.org/new"),
    Stop("add, refused", ("a",), "removed", ("escape",), paste="https://example.org/gone"),
    Stop("add, three links", ("a",), "3 links", ("escape",), paste=THREE),
    Stop("playlist", ("j", "P"), "Playlist 1", ("escape",)),
    Stop("cancel", ("g", "x"), "Cancel job", ("escape",)),
    Stop("cancel many", ("asterisk", "x"), "Cancel", ("escape", "escape")),
    Stop("sources", ("2",), "YouTube"),
    Stop("logins", ("3",), "youtube/main"),
    Stop("add a login", ("a",), "Add a login", ("escape",)),
    Stop("how to export cookies", ("h",), "HOW TO", ("escape",)),
    Stop("forget a login", ("D",), "Forget the login", ("escape",)),
    Stop("chats", ("4",), "Family & friends"),
    Stop("rules of a chat", ("e",), "told by", ("escape",)),
    Stop("choose a chat", ("a",), "of 4", ("escape",)),
    Stop("forget a chat", ("D",), "Forget the rules", ("escape",)),
    Stop("files of a chat", ("d",), "Interview", ("escape",)),
    Stop("library", ("5",), "Sound check"),
    Stop("library, searched", ("slash", *"by:ann"), "the best first", ("escape",)),
    Stop("send a file", ("s",), "Send to", ("escape",)),
    Stop("what is found, counted", ("f",), "in the library", ("escape",)),
    Stop("import a folder", ("i",), "Add your own files", ("escape",)),
    Stop("log", ("6",), "to=RUNNING"),
    Stop("operations", ("O",), "Check-up"),
    Stop("collect a chat", ("c",), "already holds", ("escape",)),
    Stop("duplicates", ("d",), "Nothing is there twice", ("escape",)),
    Stop("tokens", ("t",), "phone"),
    Stop("a new token", ("a",), "A token for", ("escape", "escape")),
    Stop("changes", ("a",), "token:phone", ("escape", "escape")),
    Stop("settings", ("comma",), "max_parallel_jobs"),
    Stop("set a limit", ("j", "enter"), "set it", ("escape", "escape", "1")),
)  # fmt: skip


async def walk(shown: Dashboard, stops: tuple[Stop, ...] = STOPS) -> AsyncIterator[Stop]:
    """Go to each screen; it is on the screen while the loop's body runs."""
    for stop in stops:
        await shown.press(*stop.keys)
        if stop.paste:
            await shown.paste(stop.paste)
        await shown.shows(stop.shows)
        await shown.stands_still()
        yield stop
        await shown.press(*stop.back)
