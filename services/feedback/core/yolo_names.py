"""The names of YOLO's classes: a list of lines, or what `data.yaml` says under `names`.

Of YAML only this is read: `names: [a, b]`, `names:` with lines `- a`, or with lines `0: a`.
"""

import json
import re
from collections.abc import Mapping
from pathlib import PurePosixPath

from services.feedback.core.coco import CocoInvalid

NAME_FILES = ("data.yaml", "data.yml", "dataset.yaml", "classes.txt", "obj.names", "names.txt")

_TOP = re.compile(r"names\s*:\s*(.*)$")
_ITEM = re.compile(r"\s*-\s+(.*)$")
_PAIR = re.compile(r"\s+(\d+)\s*:\s*(.*)$")
_FLOW = re.compile(r"""\s*("(?:[^"\\]|\\.)*"|'(?:[^']|'')*'|[^,\[\]{}]+?)\s*(?:,|$)""")


def read_names(file: str, content: bytes) -> Mapping[int, str]:
    """The classes by their numbers. Raises CocoInvalid with file and line."""
    try:
        lines = content.decode("utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise CocoInvalid([(file, "is no text in UTF-8")]) from error
    if PurePosixPath(file).suffix in (".yaml", ".yml"):
        found = _of_yaml(file, lines)
    else:
        found = {i: line.strip() for i, line in enumerate(lines) if line.strip()}
    if not found:
        raise CocoInvalid([(file, "names no class")])
    twice = [name for name in found.values() if list(found.values()).count(name) > 1]
    if twice:
        raise CocoInvalid([(file, f'the class "{twice[0][:60]}" is there twice')])
    return found


def _of_yaml(file: str, lines: list[str]) -> dict[int, str]:
    for number, line in enumerate(lines):
        top = _TOP.match(line)
        if top is None:
            continue
        rest = _bare(top[1])
        if rest.startswith("["):
            return _flow(f"{file} line {number + 1}", rest)
        if rest:
            raise CocoInvalid([(f"{file} line {number + 1}", "names must be a list")])
        return _block(file, lines, number + 1)
    raise CocoInvalid([(file, "has no names of classes")])


def _block(file: str, lines: list[str], first: int) -> dict[int, str]:
    found: dict[int, str] = {}
    for number, line in enumerate(lines[first:], start=first + 1):
        if not _bare(line):
            continue
        item, pair = _ITEM.match(line), _PAIR.match(line)
        if item is not None:
            found[len(found)] = _scalar(item[1])
        elif pair is not None:
            if int(pair[1]) in found:
                raise CocoInvalid([(f"{file} line {number}", f"class {pair[1]} is there twice")])
            found[int(pair[1])] = _scalar(pair[2])
        elif line[0].isspace():
            raise CocoInvalid([(f"{file} line {number}", 'must be "- name" or "0: name"')])
        else:
            break
    return found


def _flow(where: str, text: str) -> dict[int, str]:
    if not text.endswith("]"):
        raise CocoInvalid([(where, "the list of names has no end in this line")])
    inside = text[1:-1].strip()
    found: dict[int, str] = {}
    place = 0
    while place < len(inside):
        item = _FLOW.match(inside, place)
        if item is None:
            raise CocoInvalid([(where, "the list of names cannot be read")])
        found[len(found)] = _scalar(item[1])
        place = item.end()
    return found


def _scalar(text: str) -> str:
    bare = _bare(text)
    if bare.startswith('"') and bare.endswith('"') and len(bare) > 1:
        try:
            return str(json.loads(bare))
        except ValueError:
            return bare[1:-1]
    if bare.startswith("'") and bare.endswith("'") and len(bare) > 1:
        return bare[1:-1].replace("''", "'")
    return bare


def _bare(text: str) -> str:
    """Without a comment, which begins at `#` behind a blank and outside quotes."""
    stripped = text.strip()
    if stripped[:1] in ("'", '"', "["):
        return re.sub(r"""(["'\]])\s+#.*$""", r"\1", stripped)
    return re.split(r"(?:^|\s)#", stripped)[0].strip()
