"""What may stand at a place of a query: fields, operators, values."""

from dataclasses import dataclass
from enum import StrEnum

from libs.query.fields import OPERATORS, Field, Fields
from libs.query.reading import Token, TokenKind, tokenize
from libs.query.tree import Kind, QueryRefused, Span

MOST = 20
_IN_LISTS = ("(", ",", "true", "false", "none")


class CompletionRole(StrEnum):
    FIELD = "field"
    OPERATOR = "operator"
    VALUE = "value"
    JOIN = "join"


@dataclass(frozen=True, slots=True)
class Completion:
    """`text` in place of what stands at `at`; `what`: a word about it."""

    text: str
    role: CompletionRole
    what: str
    at: Span


def completions(text: str, place: int, fields: Fields) -> list[Completion]:
    """What may stand before `place` (a column from 0), at most twenty, the likeliest first.

    What comes behind `place` is not looked at.
    """
    before = text[: max(0, place)]
    begun, started = _begun_string(before)
    try:
        tokens = [t for t in tokenize(before[:started]) if t.kind is not TokenKind.END]
    except QueryRefused:
        return []
    half = ""
    if begun is None and tokens and before and not before[-1].isspace():
        last = tokens[-1]
        if last.kind in (TokenKind.NAME, TokenKind.WORD, TokenKind.SIGN):
            half, tokens, started = last.text, tokens[:-1], last.at.column
    at = Span(started, len(before) - started)
    said = begun if begun is not None else half
    offers = _offers(tokens, fields, in_string=begun is not None)
    # Inside quotes None and True would be strings.
    kept = [o for o in offers if _fits(o[0], said) and (begun is None or o[0].startswith('"'))]
    kept.sort(key=lambda o: not o[0].strip('"').lower().startswith(said.lower()))
    return [Completion(name, role, what, at) for name, role, what in kept[:MOST]]


def _begun_string(before: str) -> tuple[str | None, int]:
    """What is said so far of a string without an end, and where it begins."""
    opened: int | None = None
    escaped = False
    for column, character in enumerate(before):
        if opened is not None and escaped:
            escaped = False
        elif opened is not None and character == "\\":
            escaped = True
        elif character == '"':
            opened = column if opened is None else None
    return (None, len(before)) if opened is None else (before[opened + 1 :], opened)


_Offer = tuple[str, CompletionRole, str]


def _offers(tokens: list[Token], fields: Fields, *, in_string: bool) -> list[_Offer]:
    last = tokens[-1] if tokens else None
    words = [t.text.lower() if t.kind is TokenKind.WORD else t.text for t in tokens]
    place = _operator_before(tokens, words)
    if place is not None:
        field = fields.get(tokens[place].text)
        opened = words[-1:] in ([","], ["("])
        if field is None or in_string or opened or last is None:
            return _values(field)
        listing = words[-1] == "in"
        return [("(", CompletionRole.VALUE, "a list")] if listing else _values(field)
    if in_string:
        return []
    if last is not None and last.kind is TokenKind.NAME:
        field = fields.get(last.text)
        return (
            []
            if field is None
            else [(str(o), CompletionRole.OPERATOR, "") for o in OPERATORS[field.kind]]
        )
    if last is None or last.kind is TokenKind.OPEN or words[-1] in ("and", "or"):
        return [(name, CompletionRole.FIELD, field.what) for name, field in fields.items()]
    return [(word, CompletionRole.JOIN, "") for word in ("and", "or")]


def _operator_before(tokens: list[Token], words: list[str]) -> int | None:
    """Where the field stands whose value is asked for; None: no value is."""
    end = len(tokens)
    if words[-1:] == [","] or words[-1:] == ["("]:
        # Back over the list to its `in`.
        while end and words[end - 1] != "in":
            if tokens[end - 1].kind in (TokenKind.NAME, TokenKind.CLOSE) or words[end - 1] in (
                "and",
                "or",
            ):
                return None
            end -= 1
    if not end:
        return None
    is_operator = tokens[end - 1].kind is TokenKind.SIGN or words[end - 1] in (
        "in", "startswith", "endswith",
    )  # fmt: skip
    if not is_operator:
        return None
    end -= 1
    if end and words[end - 1] == "not":
        end -= 1
    return end - 1 if end and tokens[end - 1].kind is TokenKind.NAME else None


def _values(field: Field | None) -> list[_Offer]:
    if field is None:
        return []
    if field.kind is Kind.BOOLEAN:
        return [("True", CompletionRole.VALUE, ""), ("False", CompletionRole.VALUE, "")]
    known: list[_Offer] = [(_quoted(choice), CompletionRole.VALUE, "") for choice in field.choices]
    if field.nullable or field.kind is Kind.SET:
        known.append(("None", CompletionRole.VALUE, "no value"))
    return known


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _fits(offer: str, said: str) -> bool:
    return said.lower() in offer.lower()
