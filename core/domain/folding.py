"""Words as they are searched: what people write in different ways becomes one spelling. Pure.

Case, accents and width are dropped. In Arabic so are the vowel signs and the tatweel, and letters that
are used for one another become one: the forms of alef, ya and alef maqsura, ta marbuta and ha, hamza with
and without its carrier, Persian kaf and ya. Digits of all scripts become those of ASCII.
"""

from __future__ import annotations

import re
import unicodedata

#: Longer words are cut; they are no words.
MAX_WORD_CHARS = 64

_LETTERS = str.maketrans(
    {
        "\u0640": None,  # tatweel
        "\u0621": None,  # hamza without a carrier; NFKD has parted the others from theirs
        "\u0671": "\u0627",  # alef wasla
        "\u0649": "\u064a",  # alef maqsura: ya
        "\u06cc": "\u064a",  # Persian ya
        "\u0629": "\u0647",  # ta marbuta: ha
        "\u06a9": "\u0643",  # Persian kaf
        **dict.fromkeys("'\u2018\u2019\u02bc\u02bb\u02be\u02bf`\u00b4"),  # Qur'an, ʿAlī
        "æ": "ae",
        "œ": "oe",
        "ø": "o",
        "đ": "d",
        "ð": "d",
        "þ": "th",
        "ł": "l",
        "\u0131": "i",  # dotless
    }
)
#: Marks of a lower combining class belong to the letters of Indic and Japanese scripts.
_FIRST_ACCENT_CLASS = 10
# Scripts without spaces between words: each character stands for itself, and a word is a run of them.
_SINGLE = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff"
    "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
)
# Vowel signs of Indic scripts are no letters for `\w`.
_WORD = re.compile(f"[{_SINGLE}]|(?:(?![{_SINGLE}])[^\\W_\ud800-\udfff]|[\u0900-\u0963\u0966-\u0dff])+")
#: Arabic articles, joined to what goes before them or not.
_ARTICLES = ("وال", "فال", "بال", "كال", "ال", "لل")
_MIN_STEM_CHARS = 3
#: "Son of" and "father of", which change with their place in a name.
_NAMES = {"ابن": "بن", "ابا": "ابو", "ابي": "ابو"}


def fold(text: str) -> str:
    """*text* in the one spelling that stands for all."""
    if text.isascii():
        return text.lower().translate(_LETTERS)
    parted = unicodedata.normalize("NFKD", text.casefold()).translate(_LETTERS)
    bare = "".join(char for char in parted if unicodedata.combining(char) < _FIRST_ACCENT_CLASS)
    whole = unicodedata.normalize("NFC", bare)
    return "".join(_digit(char) for char in whole)


def _digit(char: str) -> str:
    return char if char.isascii() else str(unicodedata.decimal(char, char))


def words_of(text: str) -> list[str]:
    """The words of *text*, folded, in order."""
    return [_NAMES.get(word, word[:MAX_WORD_CHARS]) for word in _WORD.findall(fold(text))]


def stem_of(word: str, *, conjunction: bool = False) -> str | None:
    """A folded Arabic word without its article; None where it has none.

    With *conjunction*, also without a lone waw, which as often is the first letter of the word itself.
    """
    for article in (*_ARTICLES, "و") if conjunction else _ARTICLES:
        if word.startswith(article) and len(word) - len(article) >= _MIN_STEM_CHARS:
            return word[len(article) :]
    return None
