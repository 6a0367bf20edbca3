"""The command line: its commands and their options."""

from __future__ import annotations

import argparse
from datetime import datetime, timezone

from sightloop_sdk.cli import commands

_TASKS = ("OBJECT_DETECTION", "CLASSIFICATION", "SEGMENTATION")


def parser() -> argparse.ArgumentParser:
    """All of the command line."""
    top = argparse.ArgumentParser(
        prog="sightloop-client",
        description="Speak to a Sightloop server. Answers are JSON, a document a line.",
    )
    top.add_argument("--url", help="the server's address (default: SIGHTLOOP_URL)")
    top.add_argument("--token", help="better in SIGHTLOOP_TOKEN: a command line can be seen")
    of = top.add_subparsers(required=True, metavar="COMMAND")
    _upload(of.add_parser("upload", help="upload pictures into the Datalake"))
    _register(of.add_parser("register", help="take pictures from a place of the server's"))
    _predictions(of.add_parser("predictions", help="list predictions of a deployment"))
    _datasets(of.add_parser("datasets", help="list, make, import and export datasets"))
    _models(of.add_parser("models", help="list, upload and download models"))
    _watch(of.add_parser("watch", help="print what changes, as it happens"))
    return top


def _upload(command: argparse.ArgumentParser) -> None:
    command.add_argument("paths", nargs="+", help="pictures, or folders of them")
    command.add_argument("--source", default="upload")
    command.add_argument("--tag", action="append", default=[], dest="tags")
    _bar(command)
    command.set_defaults(run=commands.upload)


def _register(command: argparse.ArgumentParser) -> None:
    command.add_argument("place", nargs="?", help="its name; without one, all are listed")
    command.add_argument("path", nargs="?", default="", help="a folder, a file, or a prefix")
    command.add_argument("--source", default="registration")
    command.add_argument("--tag", action="append", default=[], dest="tags")
    command.add_argument("--timeout", type=float, default=3600.0, help="seconds to wait for it")
    _bar(command)
    command.set_defaults(run=commands.register)


def _predictions(command: argparse.ArgumentParser) -> None:
    command.add_argument("deployment", help="its name or id")
    command.add_argument("--query", help="in the query language (docs/query.md)")
    command.add_argument("--status", choices=("TO_REVIEW", "REVIEWED", "SUBMITTED"))
    command.add_argument("--label", help="the champion saw one")
    command.add_argument("--outlier-min", type=float)
    command.add_argument("--boxes-min", type=int)
    command.add_argument("--since", type=_moment, help="ISO 8601; without a zone it is UTC")
    command.add_argument("--until", type=_moment)
    command.add_argument("--sort", choices=("date", "name", "outlier", "random"))
    command.add_argument("--order", choices=("asc", "desc"))
    command.add_argument("--limit", type=int, help="how many at most")
    command.set_defaults(run=commands.predictions)


def _datasets(command: argparse.ArgumentParser) -> None:
    of = command.add_subparsers(required=True, metavar="ACTION")
    of.add_parser("list").set_defaults(run=commands.list_datasets)
    versions = of.add_parser("versions", help="of a dataset")
    versions.add_argument("dataset")
    versions.set_defaults(run=commands.list_dataset_versions)
    create = of.add_parser("create", help="make DATASET/VERSION, and the dataset if it is new")
    create.add_argument("version", metavar="DATASET/VERSION")
    create.add_argument("--task", choices=_TASKS, required=True)
    create.add_argument("--label", action="append", default=[], dest="labels")
    create.set_defaults(run=commands.create_dataset_version)
    into = of.add_parser("import", help="import COCO")
    into.add_argument("version", metavar="DATASET/VERSION")
    into.add_argument("annotations", help="the COCO JSON")
    into.add_argument("images", help="a zip or a folder")
    _bar(into)
    into.set_defaults(run=commands.import_dataset)
    out = of.add_parser("export", help="export COCO")
    out.add_argument("version", metavar="DATASET/VERSION")
    out.add_argument("folder")
    out.set_defaults(run=commands.export_dataset)


def _models(command: argparse.ArgumentParser) -> None:
    of = command.add_subparsers(required=True, metavar="ACTION")
    of.add_parser("list").set_defaults(run=commands.list_models)
    versions = of.add_parser("versions", help="of a model")
    versions.add_argument("model")
    versions.set_defaults(run=commands.list_model_versions)
    up = of.add_parser("upload", help="upload an ONNX file; the model is made if it is new")
    up.add_argument("model")
    up.add_argument("onnx")
    up.add_argument("--task", choices=_TASKS, help="of a new model")
    up.add_argument("--name", help="of the version")
    up.add_argument("--label", action="append", default=None, dest="labels")
    up.set_defaults(run=commands.upload_model)
    down = of.add_parser("download", help="download a file of a version")
    down.add_argument("version", help="its id")
    down.add_argument("to", help="a file or a folder")
    down.add_argument("--file", default="model-latest")
    down.set_defaults(run=commands.download_model)


def _watch(command: argparse.ArgumentParser) -> None:
    command.add_argument("deployment", nargs="?", help="its name or id (default: all)")
    command.set_defaults(run=commands.watch)


def _bar(command: argparse.ArgumentParser) -> None:
    command.add_argument("--progress", action="store_true", help="show a bar (needs rich)")


def _moment(text: str) -> datetime:
    found = datetime.fromisoformat(text.replace("Z", "+00:00"))
    return found if found.tzinfo is not None else found.replace(tzinfo=timezone.utc)
