"""The page of what is in the library more than once."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

from core.domain.errors import ReeldeckError
from core.domain.figures import size_text
from core.domain.library import Copies
from tui.actions import bindings_of
from tui.administration import Columns, nothing, row
from tui.library import title_of_item
from tui.paragraphs import blank, heading, paragraph
from tui.present import Line
from tui.screens.listing import ListingScreen

_COLUMNS: Columns = (("TITLE", 0), ("FILES", 5), ("WASTED", 9))
#: Contents that are listed: when these are gone, the next come.
MOST = 1_000


class DuplicatesScreen(ListingScreen[Copies]):
    """Contents that are there more than once, what that costs, and a way to keep only one of each."""

    PAGE = "duplicates"
    BINDINGS = bindings_of(PAGE)
    TITLE_TEXT, WHAT = "Duplicates", "what is there twice"
    ABOUT = "files that hold the very same bytes"
    COLUMNS = _COLUMNS

    async def fetch(self) -> Sequence[Copies]:
        """Those that take the most first."""
        found: list[Copies] = []
        after: str | None = None
        while len(found) < MOST:
            page = await self.deck.client.copies(after=after)
            # One of two may be deleted while they are read.
            found += [copies for copies in page.items if len(copies.items) > 1]
            after = page.next
            if after is None:
                break
        return sorted(found, key=lambda copies: -copies.spare_bytes)

    def key_of(self, entry: Copies) -> Hashable:
        """Their content."""
        return entry.sha256

    def row_of(self, entry: Copies, width: int, now: float) -> Line:  # noqa: ARG002 -- bytes do not age
        """The oldest one's title, how many there are."""
        cells = [
            (title_of_item(entry.items[0]), "text"),
            (str(len(entry.items)), "strong"),
            (size_text(entry.spare_bytes), "warn"),
        ]
        return row(cells, self.COLUMNS, width)

    def detail_of(self, entry: Copies, width: int, now: float) -> list[Line]:  # noqa: ARG002 -- as above
        """Where each of them is."""
        first, *others = entry.items
        lines = [
            *paragraph(title_of_item(first), "strong", width),
            *paragraph(first.file_path, "text", width),
        ]
        lines += [blank(width), heading("THE SAME CONTENT", width)]
        for other in others:
            lines += paragraph(other.file_path, "dim", width)
        return lines

    def nothing(self) -> Sequence[Line]:
        """All is well."""
        return nothing("Nothing is there twice")

    def summary(self) -> Line:
        """What could be freed."""
        spare = sum(copies.spare_bytes for copies in self.entries or ())
        return ((f"{size_text(spare)} more than needed", "warn"),) if spare else ()

    # Actions

    def do_delete_copies(self) -> None:
        """Keep the oldest of those under the cursor."""
        if self.chosen is not None:
            self._ask_to_delete([self.chosen])

    def do_delete_all_copies(self) -> None:
        """Keep the oldest of each."""
        self._ask_to_delete(self.entries or ())

    def do_copy_path(self) -> None:
        """Where all of them are."""
        if self.chosen is not None:
            self.copy([item.file_path for item in self.chosen.items], "paths", "copy_path")

    def _ask_to_delete(self, every: Sequence[Copies]) -> None:
        spare = [item.id for copies in every for item in copies.items[1:]]
        size = size_text(sum(copies.spare_bytes for copies in every))
        what = "1 file" if len(spare) == 1 else f"{len(spare)} files"
        question = (
            f"Delete {what}, {size}? The oldest of each stays and is read whole before; jobs keep their file."
        )
        self.ask(question, "delete", len(spare), lambda: self.command(self._delete(spare)))

    async def _delete(self, spare: Sequence[int]) -> str:
        deleted, refused = 0, list[ReeldeckError]()
        for item_id in spare:
            try:
                await self.deck.client.delete_copy(item_id)
                deleted += 1
            except ReeldeckError as error:
                refused.append(error)
        if refused:
            raise refused[0]
        return f"Deleted {deleted} file{'s' * (deleted != 1)}"
