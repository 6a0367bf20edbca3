"""XML of a stranger as a small tree with line numbers: no entity of its own, no depth, no size."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from xml.parsers import expat

_DEEPEST = 20
_MOST_ELEMENTS = 100_000


class XmlWrong(ValueError):
    """What is wrong, and in which line."""

    def __init__(self, line: int, what: str) -> None:
        super().__init__(f"line {line}: {what}")
        self.line = line
        self.what = what


@dataclass(slots=True)
class Element:
    """An element, its own text without the blanks around, and what it holds."""

    name: str
    line: int
    text: str = ""
    held: "list[Element]" = field(default_factory=list)

    def all(self, name: str) -> "Iterator[Element]":
        return (one for one in self.held if one.name == name)

    def first(self, name: str) -> "Element | None":
        return next(self.all(name), None)

    def text_of(self, name: str) -> str:
        found = self.first(name)
        return "" if found is None else found.text


def read_xml(content: bytes) -> Element:
    """The root element. Raises XmlWrong."""
    parser = expat.ParserCreate()
    top = Element("", 0)
    path = [top]
    count = 0

    def start(name: str, _: dict[str, str]) -> None:
        nonlocal count
        count += 1
        line = parser.CurrentLineNumber
        if len(path) > _DEEPEST or count > _MOST_ELEMENTS:
            raise XmlWrong(line, "holds too many elements")
        made = Element(name, line)
        path[-1].held.append(made)
        path.append(made)

    def end(_: str) -> None:
        path[-1].text = path[-1].text.strip()
        path.pop()

    def characters(text: str) -> None:
        path[-1].text += text

    def refuse(*_: object) -> None:
        # An entity that is made of entities fills the memory.
        raise XmlWrong(parser.CurrentLineNumber, "declares a document type: it must have none")

    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = characters
    parser.StartDoctypeDeclHandler = refuse
    parser.buffer_text = True
    try:
        parser.Parse(content, True)
    except expat.ExpatError as error:
        raise XmlWrong(error.lineno, f"is no XML: {expat.ErrorString(error.code)}") from error
    return top.held[0]
