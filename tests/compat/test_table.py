"""The compatibility table says what the tests show, of methods that the client has."""

import importlib

import pytest

from tests.compat.table import DOCUMENT, gather, render

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

_MODULES = {
    "Client": "picsellia.client",
    "Data": "picsellia.sdk.data",
    "MultiData": "picsellia.sdk.data",
    "DataSource": "picsellia.sdk.datasource",
    "Datalake": "picsellia.sdk.datalake",
    "Dataset": "picsellia.sdk.dataset",
    "DatasetVersion": "picsellia.sdk.dataset_version",
    "Asset": "picsellia.sdk.asset",
    "MultiAsset": "picsellia.sdk.asset",
    "Annotation": "picsellia.sdk.annotation",
    "MultiAnnotation": "picsellia.sdk.annotation",
    "Label": "picsellia.sdk.label",
    "Deployment": "picsellia.sdk.deployment",
    "Experiment": "picsellia.sdk.experiment",
    "Job": "picsellia.sdk.job",
    "Model": "picsellia.sdk.model",
    "ModelVersion": "picsellia.sdk.model_version",
    "PredictedAsset": "picsellia.sdk.predicted_asset",
    "Project": "picsellia.sdk.project",
    "Tag": "picsellia.sdk.tag",
    "Artifact": "picsellia.sdk.artifact",
    "Log": "picsellia.sdk.log",
    "LoggingFile": "picsellia.sdk.logging_file",
    "ModelContext": "picsellia.sdk.model_context",
    "ModelFile": "picsellia.sdk.model_file",
}


def test_the_document_is_what_the_tests_show() -> None:
    assert DOCUMENT.read_text() == render(), "python -m tests.compat.table"


def test_every_line_is_about_a_method_that_the_client_has() -> None:
    absent = []
    for line in gather():
        name, _, method = line.partition(".")
        if not hasattr(getattr(importlib.import_module(_MODULES[name]), name), method):
            absent.append(line)
    assert absent == []
