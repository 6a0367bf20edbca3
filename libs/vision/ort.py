"""The only door to onnxruntime: telemetry is off before its first import."""

import os
from functools import cache
from pathlib import Path
from typing import Any

_ERROR = 3


@cache
def onnxruntime() -> Any:
    """The `onnxruntime` module, imported at first use.

    onnxruntime 1.29 and later contacts a telemetry host at import on Linux; the variable that
    stops it is read at import and never again.
    """
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"
    import onnxruntime as module  # noqa: PLC0415

    module.set_default_logger_severity(_ERROR)
    return module


def session(model: bytes | Path | str, *, threads: int = 1) -> Any:
    """An inference session on the CPU that computes with `threads` threads and never spins.

    `model` is the serialised ONNX model or the path of one.
    """
    runtime = onnxruntime()
    options = runtime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = _ERROR
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    source = model if isinstance(model, bytes) else str(model)
    return runtime.InferenceSession(source, options, providers=["CPUExecutionProvider"])
