"""docs/picsellia-compatibility.md, made of what the tests say they show.

`python -m tests.compat.table` writes it.
"""

import importlib
from collections.abc import Iterator
from pathlib import Path

from tests.compat.lines import LINES, Line, Verdict
from tests.compat.modules import UNREACHABLE

DOCUMENT = Path(__file__).parents[2] / "docs" / "picsellia-compatibility.md"
_HEAD = """# What the `picsellia` client can do here

The published client, 6.37.0, works with Sightloop when its host is changed and nothing else:

```python
client = Client(api_token=TOKEN, organization_name="sightloop", host="https://sightloop.example.com")
deployment = client.get_deployment("belt")
deployment.monitor("belt-17.jpg", latency=0.021, height=480, width=640, prediction=prediction)
```

Host, monitoring and serving are one origin; `SIGHTLOOP_DEPLOYER_ORACLE_URL` and
`SIGHTLOOP_DEPLOYER_SERVING_URL` name others. The host has no path: the client drops one.

Each line below is shown by a test that drives the real package against the platform, in one
process and in eight (`tests/compat`); every public method of every class that the client can have
here has one. What is not offered ends in the client's `ResourceNotFoundError`, "Sightloop does not
offer …", never in an endless retry. Files that clients upload wait under names of ours and are
named by their content afterwards, so `upload_dir` has no effect; an upload that becomes nothing is
gone after a day.

Nothing here returns {unreachable}: the methods that would are not offered.
"""
_SHOWN = {
    Verdict.WORKS: "works",
    Verdict.DIFFERS: "works, but",
    Verdict.NOT_OFFERED: "not offered",
}


def gather() -> dict[str, Line]:
    """Every line, by method."""
    for path in sorted(Path(__file__).parent.glob("test_compat_*.py")):
        importlib.import_module(f"tests.compat.{path.stem}")
    return dict(LINES)


def render() -> str:
    """The document."""
    names = [f"`{name}`" for name in sorted(UNREACHABLE)]
    head = _HEAD.replace("{unreachable}", f"{', '.join(names[:-1])} or {names[-1]}")
    return "\n".join([head, *_tables(gather())]).rstrip() + "\n"


def _tables(lines: dict[str, Line]) -> Iterator[str]:
    classes = sorted({method.split(".")[0] for method in lines})
    for name in classes:
        yield f"## {name}\n"
        yield "| method | here | how, or why not | shown by |"
        yield "|---|---|---|---|"
        for method in sorted(m for m in lines if m.startswith(f"{name}.")):
            line = lines[method]
            yield (
                f"| `{method.partition('.')[2]}` | {_SHOWN[line.verdict]} | {line.note} "
                f"| {line.test.removeprefix('test_').replace('_', ' ')} |"
            )
        yield ""


if __name__ == "__main__":
    DOCUMENT.write_text(render())
