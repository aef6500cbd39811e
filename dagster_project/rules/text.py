"""Text as the rules compare it: one fold, one trim and one glob, equal in Python and in SQL."""

# Only these three characters lower to something else in DuckDB than in Java or Python; with them
# mapped first, all agree. `fold_text` in dbt/macros/virtual_tags.sql is the same function.
_FOLD = str.maketrans({"İ": "i", "Σ": "σ", "ς": "σ"})

# SQL's trim knows blanks only; `trim_text` in the macros lists the same characters.
_BLANKS = " \t\n\r\u00a0"

LIKE_ESCAPE = "^"


def fold(text: str) -> str:
    """Return the spelling under which two texts are the same but for case."""
    return text.translate(_FOLD).lower()


def trim(text: str) -> str:
    """Return the text without blanks at its ends."""
    return text.strip(_BLANKS)


def glob_tokens(glob: str) -> list[tuple[str, bool]]:
    r"""Split a glob into (character, is_wildcard).

    `*` is any run of characters, `?` is one character, a backslash takes the next character as it
    stands. Brackets are reserved and must be escaped.

    Raises:
        ValueError: When the glob is empty, ends in a backslash or holds a bare `[`.
    """
    if not glob:
        raise ValueError("it is empty")
    tokens: list[tuple[str, bool]] = []
    characters = iter(glob)
    for character in characters:
        if character == "\\":
            literal = next(characters, None)
            if literal is None:
                raise ValueError("it ends in a backslash")
            tokens.append((literal, False))
        elif character == "[":
            raise ValueError("character classes are not known here; list the alternatives")
        else:
            tokens.append((character, character in "*?"))
    return tokens


def like_pattern(glob: str) -> str | None:
    """Translate a glob into a folded LIKE pattern with `^` as escape; None without wildcards.

    Raises:
        ValueError: See `glob_tokens`.
    """
    tokens = glob_tokens(glob)
    if not any(wildcard for _, wildcard in tokens):
        return None
    return "".join(_like_token(character, wildcard) for character, wildcard in tokens)


def literal_text(glob: str) -> str:
    """Return the folded text that a glob without wildcards stands for.

    Raises:
        ValueError: See `glob_tokens`.
    """
    return fold("".join(character for character, _ in glob_tokens(glob)))


def _like_token(character: str, wildcard: bool) -> str:
    if wildcard:
        return "%" if character == "*" else "_"
    if character in ("%", "_", LIKE_ESCAPE):
        return LIKE_ESCAPE + character
    return fold(character)
