"""From text to a tree: `not in`, `"strings"`, numbers, `None`, lists, parentheses."""

import json
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from libs.query.tree import All, Comparison, Expression, Literal, Operator, QueryRefused, Some, Span

LONGEST = 4000
DEEPEST = 50
MOST_COMPARISONS = 100
MOST_LISTED = 200


class TokenKind(StrEnum):
    NAME = "a field"
    WORD = "a word"
    SIGN = "an operator"
    STRING = "a string"
    NUMBER = "a number"
    OPEN = "("
    CLOSE = ")"
    COMMA = ","
    END = "the end"


@dataclass(frozen=True, slots=True)
class Token:
    kind: TokenKind
    text: str
    at: Span


_WORDS = {"and", "or", "not", "in", "startswith", "endswith", "true", "false", "none"}
_CONSTANTS: dict[str, Literal] = {"true": True, "false": False, "none": None}
_SIGNS = {"=", "!=", ">", ">=", "<", "<=", "~", "!~"}
_TOKEN = re.compile(
    r"""(?P<space>\s+)
    |(?P<number>-?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?(?![\w.]))
    |(?P<name>[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*)
    |(?P<sign>!=|!~|>=|<=|=|>|<|~)
    |(?P<string>"(?:[^"\\]|\\.)*")
    |(?P<open>\()|(?P<close>\))|(?P<comma>,)""",
    re.VERBOSE | re.ASCII | re.DOTALL,
)
_KINDS = {
    "number": TokenKind.NUMBER, "sign": TokenKind.SIGN, "string": TokenKind.STRING,
    "open": TokenKind.OPEN, "close": TokenKind.CLOSE, "comma": TokenKind.COMMA,
}  # fmt: skip


def parse(text: str) -> Expression | None:
    """The tree of a query; None: it is empty and asks for everything.

    Raises:
        QueryRefused: with the column.
    """
    if len(text) > LONGEST:
        raise QueryRefused(f"a query has at most {LONGEST} characters", Span(LONGEST, 1))
    tokens = list(tokenize(text))
    if len(tokens) == 1:
        return None
    return _Reader(tokens).whole()


def tokenize(text: str) -> Iterator[Token]:
    """The tokens, an END last. Raises QueryRefused at what is none."""
    at = 0
    while at < len(text):
        found = _TOKEN.match(text, at)
        if found is None:
            raise QueryRefused(
                _strange(text, at), Span(at, len(text) - at if text[at] == '"' else 1)
            )
        group = str(found.lastgroup)
        span = Span(at, found.end() - at)
        if group == "name":
            is_word = found.group().lower() in _WORDS
            yield Token(TokenKind.WORD if is_word else TokenKind.NAME, found.group(), span)
        elif group != "space":
            yield Token(_KINDS[group], found.group(), span)
        at = found.end()
    yield Token(TokenKind.END, "", Span(len(text), 0))


def _strange(text: str, at: int) -> str:
    match text[at]:
        case '"':
            return "the string has no end"
        case "'":
            return 'strings stand in double quotes, "like this"'
        case digit if digit.isdigit():
            return "this is no number"
        case other:
            return f"{other!r} is no part of a query"


class _Reader:
    """Recursive descent: or, and, then a comparison or parentheses."""

    def __init__(self, tokens: list[Token]) -> None:
        self._tokens = tokens
        self._place = 0
        self._comparisons = 0

    def whole(self) -> Expression:
        tree = self._any(0)
        if not self._is(TokenKind.END):
            raise self._wrong("`and`, `or` or the end")
        return tree

    @property
    def _now(self) -> Token:
        return self._tokens[self._place]

    def _is(self, kind: TokenKind) -> bool:
        return self._now.kind is kind

    def _word(self) -> str:
        return self._now.text.lower() if self._is(TokenKind.WORD) else ""

    def _take(self) -> Token:
        self._place += 1
        return self._tokens[self._place - 1]

    def _any(self, depth: int) -> Expression:
        parts = [self._all(depth)]
        while self._word() == "or":
            self._take()
            parts.append(self._all(depth))
        return parts[0] if len(parts) == 1 else Some(tuple(parts))

    def _all(self, depth: int) -> Expression:
        parts = [self._one(depth)]
        while self._word() == "and":
            self._take()
            parts.append(self._one(depth))
        return parts[0] if len(parts) == 1 else All(tuple(parts))

    def _one(self, depth: int) -> Expression:
        if not self._is(TokenKind.OPEN):
            return self._comparison()
        if depth == DEEPEST:
            raise QueryRefused(f"more than {DEEPEST} parentheses in one another", self._now.at)
        self._take()
        inner = self._any(depth + 1)
        if not self._is(TokenKind.CLOSE):
            raise self._wrong("`)`")
        self._take()
        return inner

    def _comparison(self) -> Comparison:
        if not self._is(TokenKind.NAME):
            raise self._wrong("a field")
        field = self._take()
        self._comparisons += 1
        if self._comparisons > MOST_COMPARISONS:
            raise QueryRefused(f"more than {MOST_COMPARISONS} comparisons", field.at)
        operator, operator_at = self._operator()
        if operator in (Operator.IN, Operator.NOT_IN):
            values, spans = self._list()
            return Comparison(field.text, operator, values, field.at, operator_at, spans)
        value, span = self._literal()
        return Comparison(field.text, operator, value, field.at, operator_at, (span,))

    def _operator(self) -> tuple[Operator, Span]:
        first = self._now
        word = self._word()
        if first.kind is TokenKind.SIGN:
            return Operator(self._take().text), first.at
        if word in ("in", "startswith", "endswith"):
            self._take()
            return Operator(word), first.at
        if word == "not":
            self._take()
            second = self._now
            if (after := self._word()) not in ("in", "startswith", "endswith"):
                raise self._wrong("`in`, `startswith` or `endswith` after `not`")
            self._take()
            end = second.at.column + second.at.length
            return Operator(f"not {after}"), Span(first.at.column, end - first.at.column)
        raise self._wrong("an operator (" + " ".join(sorted(_SIGNS)) + " in startswith …)")

    def _list(self) -> tuple[tuple[Literal, ...], tuple[Span, ...]]:
        if not self._is(TokenKind.OPEN):
            raise self._wrong("a list in parentheses")
        self._take()
        values: list[Literal] = []
        spans: list[Span] = []
        while True:
            value, span = self._literal()
            if len(values) == MOST_LISTED:
                raise QueryRefused(f"a list has at most {MOST_LISTED} values", span)
            values.append(value)
            spans.append(span)
            if self._is(TokenKind.CLOSE):
                self._take()
                return tuple(values), tuple(spans)
            if not self._is(TokenKind.COMMA):
                raise self._wrong("`,` or `)`")
            self._take()

    def _literal(self) -> tuple[Literal, Span]:
        token = self._now
        if token.kind is TokenKind.NUMBER:
            self._take()
            return _number(token), token.at
        if token.kind is TokenKind.STRING:
            self._take()
            return _string(token), token.at
        if self._word() in _CONSTANTS:
            return _CONSTANTS[self._take().text.lower()], token.at
        raise self._wrong("a value: a number, a string in double quotes, True, False or None")

    def _wrong(self, wanted: str) -> QueryRefused:
        token = self._now
        found = "the query ends here" if token.kind is TokenKind.END else f"found {token.text[:40]}"
        return QueryRefused(f"expected {wanted}, {found}", token.at)


def _number(token: Token) -> int | float:
    try:
        return int(token.text)
    except ValueError:
        value = float(token.text)
    if not math.isfinite(value):
        raise QueryRefused("the number is too large", token.at)
    return value


def _string(token: Token) -> str:
    try:
        # JSON knows the same escapes; a line break may stand as it is.
        value = json.loads(token.text, strict=False)
        assert isinstance(value, str)
        value.encode()
    except (ValueError, UnicodeError):
        raise QueryRefused("the string has an escape that does not exist", token.at) from None
    if "\0" in value:
        raise QueryRefused("the character U+0000 is in no text", token.at)
    return value
