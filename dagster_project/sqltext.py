"""Names and texts made safe inside SQL: every room that writes a statement quotes here."""


def quoted(name: str) -> str:
    """Return an identifier that is safe in SQL, whatever a file calls its columns."""
    return '"' + name.replace('"', '""') + '"'


def literal(value: object) -> str:
    """Return a string literal that is safe in SQL."""
    return "'" + str(value).replace("'", "''") + "'"
