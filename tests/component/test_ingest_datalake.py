"""The Datalake: queries, tags of many images, thumbnails, what an image says of itself."""

import io
import json
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import msgspec
from PIL import Image

from libs.schemas.events import DataChanged, PredictionDeleted
from services.ingest.parts import Ingest
from services.ingest.workers.erasing import erase
from tests.support.examples import EXAMPLES
from tests.support.services import Run, RunningServices
from tests.support.waiting import eventually

DATA = "/api/ingest/v1/data"


def png(width: int, height: int, *, red: int = 40) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (width, height), (red, 90, 140)).save(out, "PNG")
    return out.getvalue()


async def upload(running: RunningServices, content: bytes, name: str, **fields: Any) -> Any:
    """Upload a picture; returns the answer's body."""
    answer = await running.http.post(DATA, files={"file": (name, content)}, data=fields)
    assert answer.status_code in (200, 201), answer.text
    return answer.json()


async def names(running: RunningServices, q: str) -> list[str]:
    """File names that a query finds, in order; the count agrees."""
    listed = await running.http.get(DATA, params={"q": q})
    assert listed.status_code == 200, listed.text
    counted = await running.http.get(f"{DATA}/count", params={"q": q})
    found = sorted(item["filename"] for item in listed.json()["items"])
    assert counted.json() == {"count": len(found)}
    return found


async def test_the_datalake_is_asked_tagged_and_shown_small(service_runner: Run) -> None:
    async with service_runner("ingest") as running:
        night = await upload(
            running, png(64, 48), "night-1.png", source="line 3", tags=["night", "dock"],
            metadata=json.dumps({"camera": "left", "exposure": 0.25, "lens": {"mm": 35}}),
        )  # fmt: skip
        big = await upload(
            running, png(900, 300), "big.png", tags=["dock"],
            metadata=json.dumps({"camera": "right", "exposure": 2}),
        )  # fmt: skip
        other = await upload(running, png(64, 48, red=7), "Other.png")

        assert await names(running, "") == ["Other.png", "big.png", "night-1.png"]
        assert await names(running, 'tags = "dock" and tags = "night"') == ["night-1.png"]
        assert await names(running, "tags = None") == ["Other.png"]
        assert await names(running, 'source = "line 3" or width > 800') == [
            "big.png",
            "night-1.png",
        ]
        assert await names(running, 'name ~ "OTHER"') == ["Other.png"]
        assert await names(running, f"size = {len(png(900, 300))}") == ["big.png"]
        assert await names(running, 'metadata.camera != "left"') == ["Other.png", "big.png"]
        assert await names(running, "metadata.exposure > 0.2") == ["big.png", "night-1.png"]
        assert await names(running, "metadata.exposure >= 1") == ["big.png"]
        assert await names(running, 'metadata.lens.mm = "35"') == ["night-1.png"]
        assert await names(running, "metadata.unheard = None and deployment = None") == [
            "Other.png", "big.png", "night-1.png",
        ]  # fmt: skip
        assert await names(running, 'time > "2999"') == []

        wrong = await running.http.get(DATA, params={"q": "widht > 3"})
        assert wrong.status_code == 422
        assert wrong.json()["query"] == {"column": 0, "length": 5, "nearest": ["width", "id"]}

        async def proposed(q: str) -> list[str]:
            answer = await running.http.get(f"{DATA}/completions", params={"q": q})
            return [item["text"] for item in answer.json()["items"]]

        assert await proposed('tags = "n') == ['"night"']
        assert await proposed("metadata.ex") == ["metadata.exposure"]
        assert await proposed('source = "l') == ['"line 3"', '"upload"']

        # Tags of many: by ids, then by a query; what has the tag already does not change.
        ids = [night["id"], other["id"], str(uuid4())]
        tagged = await running.http.post(f"{DATA}/tags", json={"images": ids, "add": ["night"]})
        assert tagged.json() == {"images": 3, "changed": 1}
        by_query = {"q": "width < 100", "add": ["small"], "remove": ["night"]}
        assert (await running.http.post(f"{DATA}/tags", json=by_query)).json() == {
            "images": 2, "changed": 2,
        }  # fmt: skip
        assert await names(running, 'tags = "small"') == ["Other.png", "night-1.png"]
        assert await names(running, 'tags = "night"') == []
        await running.wait_for(DataChanged, 5)
        for body in ({"add": ["x"]}, {"q": "", "images": ids, "add": ["x"]}, {"q": ""}):
            assert (await running.http.post(f"{DATA}/tags", json=body)).status_code == 422
        known = (await running.http.get(f"{DATA}/names")).json()
        assert known == {"tags": ["dock", "night", "small"], "sources": ["line 3", "upload"]}

        # The same bytes once, or twice.
        again = await upload(running, png(64, 48), "again.png", once="true")
        assert (again["id"], again["duplicate"]) == (night["id"], True)
        twin = await upload(running, png(64, 48), "twin.png")
        detail = (await running.http.get(f"{DATA}/{night['id']}")).json()
        assert detail["twins"] == [twin["id"]]
        assert detail["prediction"] is None
        assert detail["metadata"]["lens"] == {"mm": 35}

        # Sizes are few: what is asked between them is the next larger one, and kept.
        picture = f"{DATA}/{big['id']}/picture"
        for size in (150, 160):
            small = await running.http.get(picture, params={"size": size})
            assert Image.open(io.BytesIO(small.content)).size == (160, 53)
            assert "immutable" in small.headers["cache-control"]
        folder = f"ingest/{running.organization}/thumbnails/{detail['sha256']}/"
        await running.http.get(f"{DATA}/{night['id']}/picture", params={"size": 32})
        assert len((await running.context.blobs.list(folder)).entries) == 1
        for image in (night["id"], twin["id"]):
            assert (await running.http.delete(f"{DATA}/{image}")).status_code == 204
        # Kept for minutes: whoever logs these bytes now relies on them.
        parts = running.parts(Ingest)
        now = running.context.clock.now()
        assert await erase(parts, before=now - timedelta(minutes=1)) == 0
        assert await erase(parts, before=now + timedelta(minutes=1)) == 1
        assert (await running.context.blobs.list(folder)).entries == ()


async def test_an_erased_prediction_takes_its_picture_along_unless_another_image_has_it(
    service_runner: Run,
) -> None:
    async with service_runner("ingest") as running:
        parts, blobs = running.parts(Ingest), running.context.blobs
        example = next(one for one in EXAMPLES.values() if isinstance(one, PredictionDeleted))
        later = running.context.clock.now() + timedelta(hours=1)
        first, second = [await upload(running, png(64, 48), name) for name in ("a.png", "b.png")]
        folder = f"ingest/{running.organization}/"
        assert len((await blobs.list(folder)).entries) == 1

        async def listed() -> int:
            return len((await running.http.get(DATA)).json()["items"])

        for image, left in ((first, 1), (second, 0)):
            logged = msgspec.structs.replace(
                example.logged, data=UUID(image["id"]), prediction=uuid4()
            )
            await running.publish(msgspec.structs.replace(example, logged=logged, erase=True))
            await eventually(listed, lambda count, left=left: count == left)
            assert await erase(parts, before=later) == 1
            assert len((await blobs.list(folder)).entries) == left


async def test_a_picture_that_cannot_be_decoded_says_so(service_runner: Run) -> None:
    whole = bytearray(png(64, 48))
    at = whole.index(b"IDAT") + 4
    whole[at : at + 12] = bytes(12)
    async with service_runner("ingest") as running:
        image = await upload(running, bytes(whole), "broken.png")
        answer: httpx.Response = await running.http.get(f"{DATA}/{image['id']}/picture?size=160")
        assert answer.status_code == 422
        assert answer.json()["type"] == "/problems/picture-damaged"
