"""What a link leads to, as text, before anything is downloaded. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from core.domain.errors import ReeldeckError
from core.domain.figures import size_text, span_text
from core.domain.job import Kind
from core.domain.media import FormatInfo, Role
from core.domain.snapshot import MetadataPreview
from core.domain.text import for_terminal
from tui.paragraphs import wrap
from tui.present import ARROW, SEPARATOR, Line, fit, join_sides, pad

#: What a request is to be changed by so that it names one format.
Chosen = tuple[tuple[str, str], ...]
#: The quality that was asked for chooses.
BY_QUALITY: Chosen = ()


def preview_lines(found: MetadataPreview, labels: Mapping[str, str], width: int, most: int) -> list[Line]:
    """A preview in at most *most* lines of exactly *width* cells; *labels* are the sources' by name."""
    facts = [labels.get(found.source, found.source)]
    if found.entries is not None:
        taken = found.taken if found.taken is not None else found.entries
        some = f", the first {taken} are taken" if taken < found.entries else ""
        facts.append(f"{found.entries} item{'s' * (found.entries != 1)}{some}")
    else:
        facts.append(found.kind.value if found.kind is not Kind.AUTO else "")
        facts.append(span_text(found.duration_s))
        facts.append(size_text(found.size_bytes) if found.size_bytes else "size unknown")
    told = f" {SEPARATOR} ".join(fact for fact in facts if fact)
    lines = [
        pad(((for_terminal(found.title or "without a title"), "strong"),), width),
        pad(((for_terminal(told), "text"),), width),
    ]
    room = most - len(lines)
    shown = list(found.sample)[: max(0, room)]
    rest = (found.entries or 0) - len(shown)
    if shown and rest > 0:
        shown = shown[: max(0, room - 1)]
        rest = (found.entries or 0) - len(shown)
    lines += [pad(((f"  {for_terminal(title)}", "dim"),), width) for title in shown]
    if found.sample and rest > 0 and room > 0:
        lines.append(pad(((f"  … and {rest} more", "dim"),), width))
    return lines[:most]


def refusal_lines(error: ReeldeckError, width: int, most: int) -> list[Line]:
    """Why there is no preview, and what to do; the link can be added all the same."""
    lines: list[Line] = [((line, "warn"),) for line in wrap(str(error), width)]
    lines += [((line, "text"),) for line in wrap(f"{ARROW} {error.hint}", width)]
    return [pad(line, width) for line in lines[:most]]


def chosen_by(info: FormatInfo) -> Chosen | None:
    """The fields of a request that lead to this format; None when no request can name it."""
    if info.id is not None:
        return (("format", info.id),)
    if info.height:
        return (("quality", f"{info.height}p"),)
    if info.role is Role.AUDIO and info.bitrate_bps:
        return (("kind", Kind.AUDIO.value), ("quality", f"audio_{info.bitrate_bps // 1000}"))
    return None


def quality_row(found: MetadataPreview, width: int) -> Line:
    """The row for what the chosen quality takes."""
    chosen = [each for each in found.formats if each.is_chosen]
    what = " + ".join(_name(each) for each in chosen)
    size = size_text(found.size_bytes) if found.size_bytes else ""
    left: Line = (("as the quality says", "text"), (f"  {what}" if what else "", "dim"))
    return join_sides(left, ((size, "dim"),), width)


def format_row(info: FormatInfo, width: int) -> Line:
    """One format as a line of exactly *width* cells."""
    size = f"{'~' * info.is_size_estimated}{size_text(info.size_bytes)}" if info.size_bytes else ""
    note = f"{info.codecs or ''}  {info.note or ''}".strip()
    left: Line = (
        (fit(_name(info), 9), "text"),
        (" " + fit(info.container or "", 5), "dim"),
        (" " + fit("sound" if info.role is Role.AUDIO else "", 6), "dim"),
        (for_terminal(note), "dim"),
    )
    return join_sides(left, ((f" {size}", "text" if size else "dim"),), width)


def _name(info: FormatInfo) -> str:
    if info.height:
        return f"{info.height}p{f'{info.fps:.0f}' if info.fps and info.fps > 30 else ''}"
    if info.bitrate_bps:
        return f"{info.bitrate_bps // 1000} kbit"
    return for_terminal(info.id or "")
