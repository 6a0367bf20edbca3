"""A prediction and its picture in a multipart body, as clients write it.

Only what every reader of multipart reads alike: two parts whose heads are plain. Anything else is
declined, and left to the parser that knows all of the form.
"""

import re
from typing import NamedTuple

LARGEST = 2**20
"""Bytes of a body that is read at once; a larger one is spooled to a file."""

_BOUNDARY = re.compile(rb'multipart/form-data; ?boundary=("?)([0-9A-Za-z_-]{1,70})\1')
_NAME = rb'[Cc]ontent-[Dd]isposition: form-data; name=("?)(prediction|image)\1'
_FILENAME = rb'; filename=("[0-9A-Za-z ._()-]{1,200}"|[0-9A-Za-z._-]{1,200})'
_KIND = rb"[Cc]ontent-[Tt]ype: [0-9A-Za-z/.+-]{1,100}"
_HEAD = re.compile(rb"\r\n%b(?:%b)?(?:\r\n%b)?\r\n\r\n" % (_NAME, _FILENAME, _KIND))


class Form(NamedTuple):
    """The JSON of a prediction, and its picture."""

    document: bytes
    picture: bytes


def read_form(content_type: bytes, body: bytes) -> Form | None:
    """What is in a body; None: it is declined."""
    named = _BOUNDARY.fullmatch(content_type)
    if named is None or len(body) > LARGEST:
        return None
    mark = b"--" + named[2]
    if not body.startswith(mark):
        return None
    end = b"\r\n" + mark
    at, found = len(mark), {}
    while body[at : at + 2] == b"\r\n":
        head = _HEAD.match(body, at)
        if head is None:
            return None
        name, filename = head[2], head[3]
        until = body.find(end, head.end())
        if until < 0 or name in found or (filename is None) != (name == b"prediction"):
            return None
        found[name] = body[head.end() : until]
        at = until + len(end)
    if body[at:] not in (b"--", b"--\r\n") or len(found) != 2:
        return None
    document = found[b"prediction"]
    try:
        document.decode()
    except UnicodeDecodeError:
        return None
    return Form(document, found[b"image"])
