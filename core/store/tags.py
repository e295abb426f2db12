"""Tags that people give to the library's items, and how many items have each."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial

from core.domain.errors import InvalidRequest
from core.domain.library import MediaItem, TagCount
from core.domain.tags import MAX_TAGS, checked_tag, tag_key
from core.store import items
from core.store.rows import Reader, placeholders
from core.store.tag_counts import count
from core.store.transaction import Transaction
from core.store.writer import Writer


class Tags:
    """Gives and takes tags."""

    def __init__(self, reader: Reader, writer: Writer) -> None:
        self._reader = reader
        self._writer = writer

    async def change(self, item_id: int, *, add: Sequence[str], remove: Sequence[str]) -> MediaItem:
        """Give an item tags, and take others from it; the item as it is then.

        A tag that the library has already is written as it is there.

        Raises:
            NoSuchEntry: There is no such item.
            InvalidRequest: Something cannot be a tag, or there would be too many.
        """
        wanted = {tag_key(name): name for name in map(checked_tag, add)}
        unwanted = {tag_key(name) for name in remove}
        return await self._writer.run(partial(change_tags, item_id=item_id, wanted=wanted, unwanted=unwanted))

    async def all(self) -> list[TagCount]:
        """Every tag, those of the most items first."""
        rows = await self._reader.rows(
            "SELECT name, item_count FROM library_tags ORDER BY item_count DESC, key"
        )
        return [TagCount(row["name"], row["item_count"]) for row in rows]


async def change_tags(
    transaction: Transaction, *, item_id: int, wanted: Mapping[str, str], unwanted: Collection[str] = ()
) -> MediaItem:
    """Give an item tags, by their keys, and take others from it, which are keys."""
    item = await items.get(transaction, item_id)
    had = {tag_key(name): name for name in item.tags}
    known = await _known(transaction, wanted)
    have = {key: name for key, name in {**wanted, **known, **had}.items() if key not in unwanted}
    if len(have) > MAX_TAGS:
        raise InvalidRequest(f"a file has at most {MAX_TAGS} tags", hint="Take some from it.")
    shown = [have[key] for key in sorted(have)]
    await items.write_tags(transaction, item_id, shown)
    await count(transaction, [have[key] for key in have.keys() - had.keys()], 1)
    await count(transaction, [had[key] for key in had.keys() - have.keys()], -1)
    return replace(item, tags=tuple(shown))


async def _known(transaction: Transaction, keys: Iterable[str]) -> dict[str, str]:
    wanted = sorted(keys)
    rows = await transaction.rows(
        f"SELECT key, name FROM library_tags WHERE key IN ({placeholders(len(wanted))})",  # noqa: S608 -- placeholders
        *wanted,
    )
    return {row["key"]: row["name"] for row in rows}
