"""Where a Telegram message may hold links."""

from __future__ import annotations

import time
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from telethon.tl import types

from userbot.links import MAX_LIST_BYTES, has_list, links_in_file, links_of

NOW = datetime(2026, 1, 1, tzinfo=UTC)
A, B, C = "https://a.example/1.mp4", "https://b.example/2.mp4", "https://c.example/3.mp4"


def message(text="", *, entities=(), media=None, markup=None):
    return types.Message(
        1, types.PeerUser(7), NOW, text, entities=list(entities), media=media, reply_markup=markup
    )


def url_entity(text, shown):
    before = text[: text.index(shown)].encode("utf-16-le")
    return types.MessageEntityUrl(len(before) // 2, len(shown.encode("utf-16-le")) // 2)


def preview(url, *, manual=None):
    return types.MessageMediaWebPage(types.WebPage(1, url, url, 0), manual=manual)


def document(name, size):
    attributes = [types.DocumentAttributeFilename(name)] if name else []
    file = types.Document(1, 2, b"", NOW, "text/plain", size, 2, attributes)
    return types.MessageMediaDocument(document=file)


def buttons(*kinds):
    row = types.KeyboardInlineButtonRow([types.KeyboardInlineButton("Go", kind) for kind in kinds])
    return types.ReplyInlineMarkup([row])


def test_a_marked_link_is_cut_out_by_utf16_units():
    text = f"🎉🎉 see {A} 🎉"
    assert links_of(message(text, entities=[url_entity(text, A)])) == [A]


def test_a_link_without_a_scheme_gets_one():
    text = "look: clips.example/film.mp4"
    assert links_of(message(text, entities=[url_entity(text, "clips.example/film.mp4")])) == [
        "https://clips.example/film.mp4"
    ]


def test_a_file_name_that_telegram_takes_for_a_host_is_no_link():
    text = "see README.md"
    assert links_of(message(text, entities=[url_entity(text, "README.md")])) == []


def test_a_hidden_link_counts_and_its_label_does_not():
    text = f"this is {B}, really"
    entity = types.MessageEntityTextUrl(8, len(B), A)
    assert links_of(message(text, entities=[entity])) == [A]


def test_links_in_code_count_although_telegram_does_not_mark_them():
    text = f"run: {A}"
    assert links_of(message(text, entities=[types.MessageEntityCode(5, len(A))])) == [A]


def test_a_link_that_is_marked_is_not_found_a_second_time_in_another_length():
    text = f"{A}|rest"
    assert links_of(message(text, entities=[types.MessageEntityUrl(0, len(A))])) == [A]


def test_links_are_named_once_whatever_their_spelling():
    text = f"{A} and {A}?utm_source=chat"
    assert links_of(message(text)) == [A]


def test_buttons_that_open_a_page_are_links_and_others_are_not():
    markup = buttons(
        types.InlineButtonTypeUrl(A),
        types.InlineButtonTypeCallback(b"x"),
        types.InlineButtonTypeUrlAuth(B, 1),
    )
    assert links_of(message("press", markup=markup)) == [A, B]


def test_a_preview_counts_where_no_link_was_written():
    assert links_of(message("new film", media=preview(A))) == [A]


def test_a_preview_of_a_written_link_adds_nothing_even_under_another_address():
    assert links_of(message(f"{A}", media=preview(B))) == [A]


def test_a_preview_that_was_chosen_by_hand_counts_beside_written_links():
    assert links_of(message(f"{A}", media=preview(B, manual=True))) == [A, B]


def test_a_preview_that_is_still_being_made_is_no_link():
    pending = types.MessageMediaWebPage(types.WebPagePending(1, NOW))
    assert links_of(message("soon", media=pending)) == []


def test_captions_count():
    assert links_of(message(f"from {C}", media=document("film.mp4", 5))) == [C]


def test_a_quote_is_left_to_where_it_was_said():
    header = types.MessageReplyHeader(quote=True, quote_text=A, reply_to_msg_id=3)
    answer = types.Message(1, types.PeerUser(7), NOW, "yes", reply_to=header)
    assert links_of(answer) == []


def words(text):
    return types.TextWithEntities(text, [])


def test_polls_quizzes_and_check_lists_are_texts_too():
    answers = [types.PollAnswer(words(f"this: {B}"), b"1"), types.PollAnswer(words("none"), b"2")]
    solution = types.PollResults(solution=f"see {C}", solution_entities=[])
    poll = types.MessageMediaPoll(types.Poll(1, words(f"{A}?"), answers, 0), solution)
    assert links_of(message(media=poll)) == [A, B, C]
    todo = types.TodoList(words(A), [types.TodoItem(1, words(f"watch {B}"))])
    assert links_of(message(media=types.MessageMediaToDo(todo))) == [A, B]


def test_pages_are_texts_too_and_labels_of_their_links_are_not():
    named = types.TextUrl(types.TextPlain(C), A, 0)
    paragraph = types.PageBlockParagraph(types.TextConcat([types.TextPlain(f"see {B} "), named]))
    page = types.RichMessage([paragraph], [], [])
    sent = types.Message(1, types.PeerUser(7), NOW, "", rich_message=page)
    assert links_of(sent) == [B, A]


@pytest.mark.parametrize(
    "text",
    [
        f"شاهد هذا: {A}، ثم هذا",
        f"\u202eמימין לשמאל\u202c {A}\u200f.",
        f"👨‍👩‍👧‍👦🏳️‍🌈 {A}\u2069 🇪🇬",
        f"《{A}》。",
        f"(see {A})",
    ],
)
def test_links_end_where_scripts_and_marks_of_direction_begin(text):
    assert links_of(message(text, entities=[url_entity(text, A)])) == [A]
    assert links_of(message(text)) == [A]


def test_an_offset_within_a_character_harms_nothing():
    text = f"🎉🎉 {A}"
    for offset in range(7):
        entities = [types.MessageEntityTextUrl(offset, 1, B), types.MessageEntityUrl(offset, 3)]
        assert B in links_of(message(text, entities=entities))


@settings(deadline=None)
@given(
    st.text(max_size=40),
    st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60), st.text(max_size=30)), max_size=4),
)
def test_whatever_strangers_send_can_be_read(text, marks):
    entities = [types.MessageEntityTextUrl(at, length, f"https://{url}") for at, length, url in marks]
    entities += [types.MessageEntityUrl(length, at) for at, length, _ in marks]
    links_of(message(text, entities=entities))


@pytest.mark.parametrize("hostile", ["https://a.example/" + ")" * 10**6, "(" * 10**6, "](" * 500_000])
def test_a_file_that_is_made_to_take_long_does_not(hostile):
    began = time.process_time()
    links_in_file(hostile.encode())
    assert time.process_time() - began < 2


@pytest.mark.parametrize(
    ("link", "expected"),
    [
        ("https://t.me/films/12", ["https://t.me/films/12"]),
        ("https://t.me/c/1234/5/67", ["https://t.me/c/1234/5/67"]),
        ("https://t.me/films", []),
        ("https://t.me/+AbCdEf", []),
        ("https://telegram.me/joinchat/AbCdEf", []),
    ],
)
def test_of_telegrams_own_links_only_those_to_messages_name_media(link, expected):
    assert links_of(message(link)) == expected


def test_what_is_no_web_link_is_left_out():
    hidden = [
        types.MessageEntityTextUrl(0, 1, "tg://user?id=5"),
        types.MessageEntityTextUrl(1, 1, "mailto:a@b"),
    ]
    assert links_of(message("ab", entities=hidden)) == []


def test_offsets_beyond_the_text_harm_nothing():
    assert links_of(message("ab", entities=[types.MessageEntityUrl(5, 90)])) == []


@pytest.mark.parametrize(
    ("name", "size", "expected"),
    [
        ("links.txt", 10, True),
        ("LINKS.TXT", MAX_LIST_BYTES, True),
        ("links.txt", MAX_LIST_BYTES + 1, False),
        ("links.txt", 0, False),
        ("film.mp4", 10, False),
        ("", 10, False),
    ],
)
def test_small_text_files_are_lists(name, size, expected):
    assert has_list(message(media=document(name, size))) is expected


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "latin-1"])
def test_a_list_is_read_in_any_usual_encoding(encoding):
    text = f"# größer\r\n{A}\r\n\r\n- {B}, and {A} again"
    assert links_in_file(text.encode(encoding)) == [A, B]


def test_a_file_of_noise_holds_no_links():
    assert links_in_file(bytes(range(256)) * 10) == []
