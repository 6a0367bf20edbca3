"""The process that runs a backbone: somebody else's network, bounded in memory and time.

Started with a scaling, bytes of memory, seconds to load and seconds an answer. In: the network,
then pictures of its input's size; out: a description (JSON) or what is wrong, then an answer a
picture, empty where it is not finite. All are frames. It ends when its input ends, and is ended by
its own alarm clock, which no loop inside the network holds up.
"""

import json
import os
import resource
import signal
import sys
from typing import Any, BinaryIO

import numpy as np

from libs.vision.ort import session
from services.metrics.core.backbone import (
    Input,
    Scaling,
    external_tensors,
    framed,
    input_of,
    length_of,
    trial_picture,
    vector_of,
)
from services.metrics.errors import BackboneRefused

_FILES = 64
_SHOWN = 300


def main(scaling: Scaling, *, memory: int, load: float, answer: float) -> None:
    """Serve one network until the input ends."""
    signal.setitimer(signal.ITIMER_REAL, load)
    for what, most in (
        (resource.RLIMIT_DATA, memory),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_NOFILE, _FILES),
    ):
        resource.setrlimit(what, (most, most))
    asked, answers = sys.stdin.buffer, _answers()
    try:
        network, size, values = _opened(_read(asked), scaling)
    except BackboneRefused as error:
        _say(answers, json.dumps({"refused": str(error)}).encode())
        return
    described = {
        "width": size.width,
        "height": size.height,
        "channels_last": size.channels_last,
        "values": values,
    }
    signal.setitimer(signal.ITIMER_REAL, 0)
    _say(answers, json.dumps(described).encode())
    while picture := _read(asked):
        pixels = np.frombuffer(picture, dtype=np.uint8).reshape(size.height, size.width, 3)
        signal.setitimer(signal.ITIMER_REAL, answer)
        try:
            found = _answered(network, size, pixels, scaling)
            said = found.tobytes() if len(found) == values else b""
        except BackboneRefused:
            said = b""
        signal.setitimer(signal.ITIMER_REAL, 0)
        _say(answers, said)


def _opened(content: bytes, scaling: Scaling) -> tuple[Any, Input, int]:
    """The network, its input, and how many values its answer to a test picture has."""
    import onnx  # noqa: PLC0415
    from google.protobuf.message import (  # type: ignore[import-untyped]  # noqa: PLC0415
        DecodeError,
    )

    try:
        model = onnx.load_model_from_string(content)
    except DecodeError as error:
        raise BackboneRefused("it is no ONNX file, or not a whole one") from error
    if next(external_tensors(model), None) is not None:
        raise BackboneRefused("its weights lie in another file; export it as one file")
    del model
    try:
        network = session(content)
    except MemoryError as error:
        raise BackboneRefused("it takes more memory than is allowed") from error
    except Exception as error:
        # ONNX Runtime has a class of its own for each way in which a file can be wrong.
        raise BackboneRefused(f"it cannot be loaded: {str(error)[:_SHOWN]}") from error
    inputs = network.get_inputs()
    if len(inputs) != 1:
        names = ", ".join(one.name for one in inputs)
        raise BackboneRefused(f"it has {len(inputs)} inputs ({names}), not one image")
    size = input_of(inputs[0].type, inputs[0].shape)
    picture = trial_picture(size)
    found = _answered(network, size, picture, scaling)
    again = _answered(network, size, picture, scaling)
    if found.shape != again.shape or not np.allclose(found, again, rtol=1e-3, atol=1e-5):
        raise BackboneRefused("it answers the same picture in two ways; export it for inference")
    return network, size, len(found)


def _answered(network: Any, size: Input, pixels: Any, scaling: Scaling) -> Any:
    name = network.get_inputs()[0].name
    try:
        outputs = network.run(None, {name: size.tensor(pixels, scaling)})
    except MemoryError as error:
        raise BackboneRefused("it takes more memory than is allowed") from error
    except Exception as error:
        raise BackboneRefused(f"it cannot be run: {str(error)[:_SHOWN]}") from error
    return vector_of(outputs[0])


def _answers() -> BinaryIO:
    """The way out; what libraries print goes to the errors."""
    kept = os.dup(1)
    os.dup2(2, 1)
    return os.fdopen(kept, "wb")


def _read(stream: BinaryIO) -> bytes:
    """The next frame; empty at the end."""
    header = stream.read(8)
    return stream.read(length_of(header)) if len(header) == 8 else b""


def _say(stream: BinaryIO, data: bytes) -> None:
    stream.write(framed(data))
    stream.flush()


if __name__ == "__main__":
    main(
        Scaling(sys.argv[1]),
        memory=int(sys.argv[2]),
        load=float(sys.argv[3]),
        answer=float(sys.argv[4]),
    )
