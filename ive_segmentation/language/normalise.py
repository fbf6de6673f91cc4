"""The text as typed -> the same text in one spelling, or a clear refusal."""

from __future__ import annotations

import re
import unicodedata

from ive_segmentation.language.prompt import PromptError

MAX_LENGTH = 300
"""Characters. SAM 3 reads at most 32 tokens per concept, so nothing longer can be one useful prompt."""

_APOSTROPHES = re.compile("[’‘‛ʼʻ′`´]")
_COMMAS = re.compile(r"[、，/／|]")
_STOPS = re.compile(r"[。！？!?;]+|(?<=\w\w\w)[.](?=\s|$)|\n+")
_QUOTED = re.compile(r"(?<!\S)'(?!s\b)([^']+|(?:[^']|'s )+)'(?!\S)")
_CONTRACTED = re.compile(r"(?<!\S)(what|where|who|which|it|that|there|here)'s(?=\s)", re.IGNORECASE)
_WITHOUT = re.compile(r"(?<!\S)w/o(?!\w)", re.IGNORECASE)
_WITH = re.compile(r"(?<!\S)w/", re.IGNORECASE)
_SLIPPED = re.compile(r"(?<=\w);(?=s\b)")
"""The key beside the apostrophe."""
_STRAY_HYPHENS = re.compile(r"(?<![^\W_])-|-(?![^\W_])")
_STRAY_APOSTROPHES = re.compile(r"(?<![^\s',&+;-])'+(?:s(?![^\s',&+;-]))?")
_LONE_JAMO = re.compile("[\u3131-\u318e]+")
"""Korean laughter (ㅋㅋ) and tears (ㅠㅠ); no word is written with them."""
_PUNCTUATION = "',&+;-"


def normalise(text: str) -> str:
    """Bring a text into one spelling: composed, half-width, one kind of apostrophe and comma, no emoji.

    What is left are letters, marks, digits, single spaces and the punctuation that carries meaning:
    apostrophes, hyphens inside words, `,` `&` `+` for "and", `;` between sentences.

    Args:
        text: What the user typed.

    Returns:
        The text in Unicode form NFKC.

    Raises:
        PromptError: If the text holds no word, is longer than `MAX_LENGTH`, or holds control characters.
    """
    if len(text) > MAX_LENGTH:
        raise PromptError(
            f"The prompt has {len(text)} characters, over {MAX_LENGTH}. Say what you want in a few words."
        )
    if any(_is_control(character) for character in text):
        raise PromptError(
            "The prompt holds control characters. Type the words again instead of pasting them."
        )
    clean = unicodedata.normalize("NFKC", _APOSTROPHES.sub("'", _LONE_JAMO.sub(" ", text)))
    clean = _SLIPPED.sub("'", clean)
    clean = _WITH.sub("with ", _WITHOUT.sub("without ", clean))
    clean = _CONTRACTED.sub(r"\1 is", _QUOTED.sub(r"\1", clean))
    clean = _STOPS.sub(";", _COMMAS.sub(",", clean))
    clean = "".join(_kept(character) for character in clean)
    clean = _STRAY_APOSTROPHES.sub(" ", _STRAY_HYPHENS.sub(" ", clean))
    clean = unicodedata.normalize("NFC", " ".join(clean.split()))
    if not any(unicodedata.category(character)[0] in "LN" for character in clean):
        raise PromptError('The prompt holds no word. Type a name, a thing, or both: "Wonyoung\'s shirt".')
    if len(clean) > MAX_LENGTH:
        raise PromptError(f"The prompt spells out to more than {MAX_LENGTH} characters. Use fewer words.")
    return clean


def _is_control(character: str) -> bool:
    return unicodedata.category(character) in {"Cc", "Cs"} and character not in "\t\n\r"


def _kept(character: str) -> str:
    """Return a character that means something as it is, an invisible one as nothing, others as a space."""
    category = unicodedata.category(character)
    if category[0] in "LN" or character in _PUNCTUATION:
        return character
    if category[0] == "M":
        return "" if "\ufe00" <= character <= "\ufe0f" or character == "\u20e3" else character
    return "" if category == "Cf" else " "
