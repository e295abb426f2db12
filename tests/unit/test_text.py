"""What leaves the sanitisers, whatever went in."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from rich.cells import cell_len

from core.domain.text import ELLIPSIS, MAX_CHARS, cell_width, for_filename, for_log, for_terminal, redact_url

HOSTILE = {
    "clear screen": "\x1b[2J\x1b[Htitle",
    "colour without end": "\x1b[31mred",
    "terminal reset": "\x1bctitle",
    "window title": "\x1b]0;owned\x07",
    "clipboard write": "\x1b]52;c;ZXZpbA==\x07",
    "hyperlink": "\x1b]8;;http://evil.example\x1b\\click\x1b]8;;\x1b\\",
    "cursor report": "\x1b[6n",
    "device attributes": "\x1b[c",
    "alternate screen": "\x1b[?1049l",
    "answerback": "\x05",
    "device control string": "\x1bPq#0;2;0;0;0\x1b\\",
    "kitty graphics": "\x1b_Gf=100;AAAA\x1b\\",
    "privacy message": "\x1b^secret\x1b\\",
    "C1 CSI": "\x9b2J",
    "C1 OSC": "\x9d0;owned\x9c",
    "C1 DCS": "\x90q\x9c",
    "C1 next line": "one\x85two",
    "line feed": "one\ntwo",
    "carriage return hides": "harmless\rEVIL",
    "CRLF log injection": 'x"\r\n{"level":"error"}',
    "backspaces": "good\b\b\b\bevil",
    "form feed": "a\fb",
    "vertical tab": "a\vb",
    "NUL": "a\x00b",
    "DEL": "a\x7fb",
    "shift out": "\x0eabc\x0f",
    "bell": "\a\a\a",
    "tabs": "a\tb",
    "line separator": "a\u2028b",
    "paragraph separator": "a\u2029b",
    "right-to-left override": "song\u202e3pm.exe",
    "left-to-right override": "\u202dabc",
    "embedding": "\u202aabc\u202c",
    "isolates": "\u2066a\u2067b\u2068c\u2069",
    "direction marks": "a\u200eb\u200fc\u061cd",
    "tag characters": "hi" + "".join(chr(0xE0000 + ord(c)) for c in "ignore all"),
    "language tag": "\U000e0001\U000e0065",
    "lone high surrogate": "a\ud83db",
    "lone low surrogate": "a\udc80b",
    "surrogate-escaped byte": b"caf\xe9".decode("utf-8", "surrogateescape"),
    "zero-width space": "pay\u200bpal",
    "word joiner": "a\u2060b",
    "byte-order mark": "\ufeffabc",
    "zero-width joiner in a word": "pay\u200dpal",
    "zero-width non-joiner in a Latin word": "pay\u200cpal",
    "soft hyphen": "pay\u00adpal",
    "grapheme joiner": "a\u034fb",
    "invisible operators": "f\u2061x\u2062y\u2063z\u2064",
    "Hangul fillers": "\u3164\u115f\u1160\uffa0",
    "Mongolian vowel separator": "a\u180eb",
    "Khmer inherent vowels": "a\u17b4b\u17b5",
    "smuggled variation selectors": "a" + "".join(map(chr, range(0xE0100, 0xE01F0))),
    "variation selector pile": "a" + "\ufe0f" * 50,
    "interlinear annotation": "\ufff9a\ufffab\ufffb",
    "deprecated format": "\u206a\u206f",
    "zalgo": "Z" + "\u0301\u0327\u0336" * 40 + "a",
    "marks that decompose": "a" + "\u0344" * 20,
    "marks on nothing": "\u0301\u0302abc",
    "enclosing marks": "a" + "\u20dd" * 30,
    "private use": "\ue000\U000f0000\U00100000",
    "kitty placeholder": "\U0010eeee\u0305\u0305",
    "noncharacters": "\ufffe\uffff\ufdd0\U0001fffe",
    "unassigned": "\u0378\U000e1000",
    "loose vowels": "\u1161\u11a8x\u1161",
    "shorthand and musical format": "\U0001bca0\U0001d173",
    "many marks": "\u0301\u0327" * 40_000,
    "long": "a" * 100_000,
    "rich markup": "[red]x[/] [link=file:///etc/passwd]y[/link] [/",
    "ends in a backslash": "abc\\",
}

VISIBLE_FORMAT = (
    "\u200c\u0600\u0601\u0602\u0603\u0604\u0605\u06dd\u070f\u0890\u0891\u08e2\U000110bd\U000110cd"
)
hostile = pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
# Text that meets the rules' characters far more often than chance would.
texts = st.text(
    st.one_of(
        st.characters(),
        st.characters(categories=["Mn", "Mc", "Me", "Cf", "Cc", "Cs", "Zs"]),
        st.sampled_from(
            "aé/\\.-~ :?*\u200c\u200d\ufe0f\u0301\u0344\u0627\u0915\u094d\u1100\u1161👩🏽🇪🇬字CON"
        ),
    )
)


def assert_fit_for_a_line(shown: str) -> None:
    marks = 0
    for char in shown:
        category = unicodedata.category(char)
        assert category not in {"Cc", "Cs", "Co", "Zl", "Zp"}, hex(ord(char))
        if category == "Cf":
            assert char in VISIBLE_FORMAT
        marks = marks + 1 if category[0] == "M" else 0
        assert marks <= 8
    shown.encode()  # no lone surrogate


def assert_fit_for_a_name(name: str, max_bytes: int = 150) -> None:
    assert name
    assert len(name.encode()) <= max_bytes
    assert not set(name) & set('/\\:*?"<>|')
    assert name[0] not in ".- ~"
    assert name[-1] not in ". "
    assert unicodedata.is_normalized("NFC", name)
    assert_fit_for_a_line(name)


class TestForTerminal:
    @hostile
    def test_hostile_text_becomes_one_harmless_line(self, text):
        assert_fit_for_a_line(for_terminal(text))

    @given(texts)
    @example("\u0915\u200c\u061cx")
    @example("e\u200b\u0301")
    def test_any_text_becomes_one_harmless_line_and_stays_it(self, text):
        shown = for_terminal(text)
        assert_fit_for_a_line(shown)
        assert for_terminal(shown) == shown

    @given(texts, st.integers(0, 30))
    def test_the_width_is_rich_s_and_the_cut_fits(self, text, cells):
        shown = for_terminal(text)
        assert cell_width(shown) == cell_len(shown)
        cut = for_terminal(text, cells=cells)
        assert cell_len(cut) <= cells
        assert cut == shown or cells == 0 or cut.endswith(ELLIPSIS)

    def test_every_character_is_as_wide_as_rich_says(self):
        wrong = [
            hex(code)
            for code in range(0x110000)
            if cell_width(shown := for_terminal("x" + chr(code))) != cell_len(shown)
        ]
        assert wrong == []

    @pytest.mark.parametrize(
        "title",
        [
            "Plain title (2024) [HD]",
            "Über die Brücke",
            "تفسير سورة البقرة ١ – الشيخ طارق",
            "السَّلَامُ عَلَيْكُمْ",
            "می\u200cخواهم",
            "क्\u200cष हिन्दी",
            "東京の夜 第3話",
            "서울의 밤",
            "Việt Nam",
            "🎵 music 🇪🇬 🔥",
            "שלום עולם",
            "ไทยแลนด์",
        ],
    )
    def test_what_people_write_stays_as_it_is(self, title):
        assert for_terminal(title) == title

    def test_control_characters_leave_a_visible_mark(self):
        assert for_terminal("a\x1b[31mb\x7f\x9b") == "a\u241b[31mb\u2421\ufffd"

    def test_line_breaks_and_tabs_become_spaces(self):
        assert for_terminal("a\nb\tc\u2028d") == "a b c d"

    def test_joined_emoji_are_shown_by_their_parts(self):
        assert for_terminal("👩\u200d👧 👍🏽 \u2764\ufe0f") == "👩👧 👍 \u2764"

    def test_the_cut_keeps_letters_and_flags_whole(self):
        assert for_terminal("字字字", cells=4) == "字…"
        assert for_terminal("🇪🇬🇸🇦", cells=3) == "🇪🇬…"
        assert for_terminal("q\u0323\u0307abc", cells=2) == "q\u0323\u0307…"
        assert for_terminal("abc", cells=3) == "abc"
        assert for_terminal("abc", cells=0) == ""

    def test_endless_text_is_cut(self):
        assert len(for_terminal("字" * 10**6)) == MAX_CHARS


class TestForFilename:
    @hostile
    def test_hostile_text_becomes_a_name(self, text):
        assert_fit_for_a_name(for_filename(text))

    @given(texts, st.integers(8, 200))
    def test_any_text_becomes_a_name_and_stays_it(self, text, max_bytes):
        name = for_filename(text, max_bytes=max_bytes)
        assert_fit_for_a_name(name, max_bytes)
        assert for_filename(name, max_bytes=max_bytes) == name

    @pytest.mark.parametrize("text", ["", "...", " ", "\u200b", "--", "/", "\x00", "?", "~", "\u0301"])
    def test_a_name_is_never_empty(self, text):
        assert for_filename(text)

    @pytest.mark.parametrize(
        "text", ["../../etc/passwd", "..\\..\\boot.ini", "/etc/passwd", "-rf", "~root/x", "C:\\x"]
    )
    def test_a_path_becomes_a_plain_name(self, text):
        assert_fit_for_a_name(for_filename(text))

    @pytest.mark.parametrize("text", ["CON", "con.mp4", "nul .txt", "COM1", "lpt\u00b9.x", "CONOUT$", "Aux."])
    def test_windows_device_names_are_changed(self, text):
        assert for_filename(text).startswith("_")

    @pytest.mark.parametrize("text", ["Console", "COM10", "Auxiliary", "nullable"])
    def test_names_that_only_begin_like_a_device_stay(self, text):
        assert for_filename(text) == text

    @pytest.mark.parametrize(
        "text", ["تفسير سورة البقرة", "東京の夜", "🎵 music", "Ünïcödé - part 2 (live) [4K]", "می\u200cخواهم"]
    )
    def test_letters_of_all_scripts_stay(self, text):
        assert for_filename(text) == text

    def test_decomposed_letters_are_composed(self):
        assert for_filename("cafe\u0301") == "caf\u00e9"

    def test_separators_stay_readable(self):
        assert for_filename('AC/DC: Live? "1991" <HD>') == "AC-DC- Live '1991' (HD)"

    def test_the_cut_never_splits_a_character(self):
        assert for_filename("字" * 100, max_bytes=10) == "字" * 3
        assert for_filename("x" + "🇪🇬" * 5, max_bytes=14) == "x🇪🇬"
        assert for_filename("abcdefg q\u0323\u0307", max_bytes=11) == "abcdefg"

    def test_the_cut_leaves_no_dot_or_space_at_the_end(self):
        assert for_filename("abcdefgh. ijk", max_bytes=10) == "abcdefgh"


class TestForLog:
    @hostile
    def test_hostile_text_becomes_one_harmless_line(self, text):
        assert_fit_for_a_line(for_log(text))

    def test_links_inside_lose_what_is_secret(self):
        line = for_log("GET https://u:pw@cdn.example/a.mp4?sig=s3cret failed\nthen http://x.example/#tok")
        assert line == "GET https://cdn.example/a.mp4 failed then http://x.example/"


class TestRedactUrl:
    @pytest.mark.parametrize(
        ("url", "shown"),
        [
            ("https://example.org/watch?v=1&token=x#t=3", "https://example.org/watch"),
            ("https://user:pass@example.org:8443/a", "https://example.org:8443/a"),
            ("https://a@b@example.org/", "https://example.org/"),
            ("http://[::1]:80/x?y", "http://[::1]:80/x"),
            ("https://example.org/a;jsessionid=1234", "https://example.org/a"),
            ("HTTPS://EXAMPLE.org", "https://EXAMPLE.org"),
            ("http://[broken/?token=x", "\ufffd"),
            ("example.org/a?token=x", "example.org/a"),
            ("user:pass@example.org/a", "user:example.org/a"),
            ("", ""),
        ],
    )
    def test_only_scheme_host_and_path_stay(self, url, shown):
        assert redact_url(url) == shown

    @given(st.text(), st.text(alphabet="abc123", min_size=8), st.text())
    def test_a_secret_in_query_or_user_part_never_stays(self, path, secret, tail):
        assert secret not in redact_url(f"https://me:{secret}@host.example/?{path}")
        assert secret not in redact_url(f"https://host.example/p?{tail}sig={secret}&{path}")

    @hostile
    def test_a_hostile_url_becomes_one_harmless_line(self, text):
        assert_fit_for_a_line(redact_url(f"https://host.example/{text}"))
