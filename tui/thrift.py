"""Sends only the cells that changed, in as few bytes as they need, and only as fast as the terminal reads.

Textual 8.2.8 cuts a partial repaint at its right edge but not at its left: a percentage at the end of a row
sends the whole row again, measured as three to four times the bytes. And it names the colours of each span
anew, which takes more bytes than what the span says. This puts the missing cut in, and names colours once.
It rests on inner classes of the Textual version that is pinned; its tests tell when those change.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rich.color import ColorSystem
from rich.console import Console
from textual._compositor import ChopsUpdate, Compositor, CompositorMap, CompositorUpdate, ReflowResult
from textual.app import App
from textual.geometry import Region, Size
from textual.screen import Screen, ScreenResultType
from textual.strip import Strip
from textual.timer import Timer
from textual.widget import Widget

from tui.driver import PatientDriver

#: Cells of one look are sent together as long as all of them are no more than this.
TOGETHER_CHARS = 2_000
#: A screen that comes finds its sizes step by step, each of which Textual would send whole: here as one.
COMING_S = 0.02


class ThriftyUpdate(ChopsUpdate):
    """A partial repaint, cut on both sides."""

    def render_segments(self, console: Console) -> str:
        """The update as terminal data."""
        colours = console._color_system or ColorSystem.TRUECOLOR  # noqa: SLF001 -- as Textual has it
        runs = list(self._runs(colours))
        # What looks the same is sent together; so much that it takes a while comes line by line.
        if sum(len(text) for *_, text in runs) <= TOGETHER_CHARS:
            looks = {look: number for number, look in enumerate(dict.fromkeys(look for look, *_ in runs))}
            runs.sort(key=lambda run: looks[run[0]])
        parts: list[str] = []
        shown, place = "", (-1, -1)
        for look, y, x, end, text in runs:
            if place != (y, x):
                parts.append(f"\x1b[{y + 1};{x + 1}H")
            if look != shown:
                parts.append(f"\x1b[0;{look}m" if look else "\x1b[0m")
            parts.append(text)
            shown, place = look, (y, end)
        if shown:
            parts.append("\x1b[0m")
        return "".join(parts)

    def _runs(self, colours: ColorSystem) -> Iterator[tuple[str, int, int, int, str]]:
        """What is to be sent: its look as SGR parameters, its line, first and last-but-one cell, and text."""
        for y, x1, x2 in self.spans:
            for end, (x, strip) in zip(self.chop_ends[y], self.chops[y].items(), strict=False):
                left, right = max(x, x1), min(end, x2)
                if strip is None or left >= right:
                    continue
                is_whole = left == x and right == end
                for segment in strip if is_whole else strip.crop(left - x, right - x):
                    look = Strip.render_ansi(segment.style, colours) if segment.style else ""
                    ends = left + segment.cell_length
                    yield look, y, left, ends, segment.text
                    left = ends


class ThriftyCompositor(Compositor):
    """Textual's compositor with thrifty repaints."""

    def __init__(self) -> None:
        super().__init__()
        #: Where all widgets were when they were last laid out.
        self._laid_out: CompositorMap = {}

    def reflow(self, parent: Widget, size: Size) -> ReflowResult:
        """Lay out all widgets, and have what they leave repainted.

        Textual compares with its newest map, which it may have made anew since, for a widget that came, from
        sizes that were to be laid out only now: what a dialog that shrinks by that leaves would stay there.
        """
        result = super().reflow(parent, size)
        moved = (geometry for _, geometry in self._laid_out.items() ^ self._full_map.items())
        self._dirty_regions |= {found for each in moved if (found := each.clip.intersection(each.region))}
        self._laid_out = self._full_map
        return result

    def render_partial_update(self) -> ChopsUpdate | None:
        """What became dirty since the last repaint, None when nothing did.

        Textual renders every widget between the first dirty line and the last; here it is those that show
        something of what is dirty.
        """
        dirty, self._dirty_regions = self._dirty_regions, set()
        spans = list(self._regions_to_spans(dirty))
        if not spans:
            return None
        height = self.size.height
        spans = [span for span in spans if 0 <= span[0] < height]
        chops: list[dict[int, Strip | None]] = [{} for _ in range(height)]
        ends: list[list[int]] = [[] for _ in range(height)]
        # By line: the left edges of the pieces that are to be sent, and where each of them ends.
        missing: dict[int, dict[int, int]] = {}
        for y, x1, x2 in spans:
            lefts, ends[y] = self.cuts[y][:-1], self.cuts[y][1:]
            chops[y] = dict.fromkeys(lefts)
            pieces = zip(lefts, ends[y], strict=True)
            missing.setdefault(y, {}).update(piece for piece in pieces if piece[0] < x2 and piece[1] > x1)
        for widget, (region, clip) in self.visible_widgets.items():  # what is in front comes first
            self._fill(chops, missing, widget, region, region.intersection(clip))
        return ThriftyUpdate(chops, spans, ends)

    def _fill(
        self,
        chops: list[dict[int, Strip | None]],
        missing: dict[int, dict[int, int]],
        widget: Widget,
        region: Region,
        shown: Region,
    ) -> None:
        """Put in what *widget*, which is *shown* there of its whole *region*, has of the *missing* pieces."""
        columns = range(shown.x, shown.right)
        lines = [y for y in shown.line_range if any(x in columns for x in missing.get(y, ()))]
        if not lines:
            return
        top = lines[0]
        strips = widget.render_lines(
            Region(shown.x - region.x, top - region.y, shown.width, lines[-1] + 1 - top)
        )
        for y in lines:
            strip, pieces = strips[y - top], missing[y]
            for left in [x for x in pieces if x in columns]:
                chops[y][left] = strip.crop(left - shown.x, pieces.pop(left) - shown.x)

    def render_full_update(self, simplify: bool = False) -> CompositorUpdate:  # type: ignore[override] # noqa: FBT001, FBT002 -- Textual's
        """Everything."""
        if simplify:  # a picture in a file
            return super().render_full_update(simplify=True)
        self._dirty_regions.clear()
        width, height = self.size
        chops = self._render_chops(self.size.region, lambda _: True)
        ends = [cuts[1:] for cuts in self.cuts]
        return ThriftyUpdate(chops, [(y, 0, width) for y in range(height)], ends)


class ThriftyApp(App[None]):
    """An app whose terminal is never sent more than it reads: what it has no room for is merged."""

    def __init__(self, **options: Any) -> None:
        super().__init__(driver_class=PatientDriver, **options)
        self._patience: Timer | None = None

    def has_room(self) -> bool:
        """The terminal takes a repaint now; when it does not, `on_room` comes later."""
        wait_s = self._driver.wait_s() if isinstance(self._driver, PatientDriver) else None
        if wait_s is not None and self._patience is None:
            self._patience = self.set_timer(wait_s, self.on_room)
        return wait_s is None

    def on_room(self) -> None:
        """Send what has waited."""
        if self._patience is not None:
            self._patience.stop()
            self._patience = None
        if self.is_running and isinstance(self.screen, ThriftyScreen):
            self.screen.send_unsent()

    def on_gone(self) -> None:
        """End: nobody looks any more."""
        self.exit()


class ThriftyScreen(Screen[ScreenResultType]):
    """A screen whose repaints wait for the terminal. What it has not taken yet is never queued: when there is
    room again, everything is sent as it is then.
    """

    def __init__(self) -> None:
        super().__init__()
        self._compositor = ThriftyCompositor()
        self._is_coming = False

    def on_screen_resume(self) -> None:
        """Wait for what follows from its coming. (Textual calls this beside a subclass's own handler.)"""
        self._is_coming = True
        self.set_timer(COMING_S, self._has_come)

    def _has_come(self) -> None:
        self._is_coming = False
        self.send_unsent()

    def send_unsent(self) -> None:
        """Repaint what could not be sent."""
        if self.is_current and self._compositor._dirty_regions:  # noqa: SLF001 -- of our own compositor
            self._compositor_refresh()

    def repaint_now(self, widget: Widget) -> None:
        """Send at once what a key has changed of *widget*: what follows from it comes with the next frame."""
        if self.is_current and not (self._layout_required or self._scroll_required):
            self._compositor.update_widgets({widget})
            if self._compositor._dirty_regions:  # noqa: SLF001 -- of our own compositor
                self._compositor_refresh()

    def _compositor_refresh(self) -> None:
        app = self.app
        if isinstance(app, ThriftyApp) and self is app.screen and (self._is_coming or not app.has_room()):
            self._compositor.update_widgets(self._dirty_widgets)
            self._dirty_widgets.clear()  # the compositor knows what they want to have repainted
            return
        super()._compositor_refresh()
