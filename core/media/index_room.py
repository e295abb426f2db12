"""How much room to leave in front of an MP4 for its index, so that nothing is moved for it in the end."""

from __future__ import annotations

from core.media.recipe import Recipe, Wanted

#: What the index grows by for each packet at most: an entry where two streams take turns, and its place
#: (ISO/IEC 14496-12: stsc 12, co64 8). One that is made anew needs 8 to 16: size, place, order of pictures.
_ENTRY_BYTES = 20
#: … for each chapter: its name, cut at 255 bytes, and its place.
_CHAPTER_BYTES = 320
#: … for tags (six texts of up to 500 characters) and headers.
_TAGS_BYTES = 32 * 1024


def room_for_index(recipe: Recipe, wanted: Wanted, *, duration_s: float, of_inputs_bytes: int = 0) -> int:
    """Bytes that the index of the result needs at most, as far as that can be said. Reads the cover's size.

    Args:
        recipe: What is made of what.
        wanted: Its tags, chapters and cover are in the index too.
        duration_s: Expected length of the result.
        of_inputs_bytes: What the indexes of its inputs take, where streams are taken from MP4.

    Raises:
        OSError: The cover is not there.
    """
    return (
        of_inputs_bytes
        + round(recipe.packets_a_second * duration_s) * _ENTRY_BYTES
        + len(wanted.tags.chapters) * _CHAPTER_BYTES
        + (wanted.cover.stat().st_size if wanted.cover else 0)
        + _TAGS_BYTES
    )
