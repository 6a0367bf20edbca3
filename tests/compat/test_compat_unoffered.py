"""What nothing here answers: the client's own requests end in its error, at once.

The requests are read from the client's source: `DIRECT` names methods, a pair names the method and
the one by which it asks.
"""

import pytest
from picsellia import Client
from picsellia.exceptions import ResourceNotFoundError

from tests.compat.lines import refuses
from tests.compat.modules import MODULES
from tests.compat.requests_of import requests_of

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(600),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]


def refused(client: Client, methods: dict[str, str]) -> None:
    """Each of the methods, or what it asks by (`""`: itself), asks for what is not there."""
    for method, by in methods.items():
        if by.startswith("/"):
            asked = [("get", by)]
        else:
            name = by or method
            asked = requests_of(MODULES[name.partition(".")[0]], name)
        assert asked, f"{method} asks nothing by itself"
        for verb, path in asked:
            with pytest.raises(ResourceNotFoundError, match="Sightloop does not offer"):
                getattr(client.connection, verb)(path)


_ANNOTATIONS = {
    "Asset.get_annotation": "",
    "Asset.create_annotation": "",
    "Asset.list_annotations": "",
    "Asset.delete_annotations": "",
    "MultiAsset.delete_annotations": "",
    "DatasetVersion.list_annotations": "Asset.list_annotations",
    "DatasetVersion.delete_all_annotations": "",
    "DatasetVersion.export_annotation_file": "",
}


@refuses(
    *_ANNOTATIONS,
    why="annotations come and go as files, `load_annotations` and `build_…_locally`",
)
def test_annotations_are_not_changed_one_by_one(client: Client) -> None:
    refused(client, _ANNOTATIONS)


_SHAPES = {
    "DatasetVersion.get_skeletons": "",
    "DatasetVersion.get_attributes": "",
    "DatasetVersion.set_attributes": "",
    "Label.get_skeleton": "",
    "Label.set_skeleton": "",
    "Label.get_attributes": "",
    "Label.set_attributes": "",
}


@refuses(*_SHAPES, why="labels have a name, and neither skeletons nor attributes")
def test_labels_have_a_name_only(client: Client) -> None:
    refused(client, _SHAPES)


_GROUPS = {
    "Label.get_group": "",
    "Label.sync": "",
    "Label.delete": "",
    "LabelGroup.sync": "",
    "LabelGroup.update": "",
    "LabelGroup.set_parent": "LabelGroup.update",
    "LabelGroup.get_parent": "",
    "LabelGroup.delete": "",
}


@refuses(*_GROUPS, why="labels are flat, and a version's labels stay")
def test_groups_of_labels_are_nothing_by_themselves(client: Client) -> None:
    refused(client, _GROUPS)


_STAY = {
    "Asset.delete": "",
    "MultiAsset.delete": "/api/nothing",
    "Dataset.delete": "",
    "Dataset.update": "",
    "DatasetVersion.delete": "",
    "DatasetVersion.fork": "",
    "DatasetVersion.copy_assets_to": "",
    "DataSource.delete": "",
    "DataSource.update": "",
    "Project.delete": "",
    "Project.delete_all_experiments": "",
    "Experiment.delete": "",
    "LoggingFile.delete": "",
    "LoggingFile.update": "",
}


@refuses(*_STAY, why="what models were trained on and measured by stays as it was")
def test_what_lineage_refers_to_stays(client: Client) -> None:
    refused(client, _STAY)


_EVALUATIONS = {
    "Experiment.add_evaluation": "Experiment.add_evaluations",
    "Experiment.add_evaluations": "",
    "Experiment.list_evaluations": "Experiment.add_evaluations",
    "Experiment.compute_evaluations_metrics": "",
}


@refuses(*_EVALUATIONS, why="models are measured on what they predict and what is reviewed")
def test_there_are_no_evaluations(client: Client) -> None:
    refused(client, _EVALUATIONS)


_WORK = {
    "Experiment.launch": "",
    "DatasetVersion.launch_processing": "",
    "ModelVersion.launch_processing": "",
    "Datalake.launch_processing": "",
    "DatasetVersion.start_fast_training": "",
    "DatasetVersion.list_fast_trainings": "",
    "Job.send_logging": "",
    "Job.store_logging_file": "",
    "Job.update_job_run_with_status": "",
    "Job.start_logging_chapter": "Job.send_logging",
    "Job.start_logging_buffer": "Job.send_logging",
    "Job.end_logging_buffer": "Job.send_logging",
}


@refuses(*_WORK, why="jobs are ours; the client's own work is an experiment")
def test_the_clients_images_are_not_run(client: Client) -> None:
    refused(client, _WORK)


_SEARCH = {
    "DatasetVersion.activate_visual_search": "",
    "DatasetVersion.deactivate_visual_search": "",
    "DatasetVersion.embeddings_computation_status": "",
    "DatasetVersion.count_embeddings": "",
    "DatasetVersion.list_embeddings": "DatasetVersion.count_embeddings",
    "DatasetVersion.similar_search": "DatasetVersion.count_embeddings",
    "DatasetVersion.text_search": "DatasetVersion.count_embeddings",
    "DatasetVersion.compute_shapes_embeddings": "",
    "DatasetVersion.delete_shape_embeddings": "",
    "DatasetVersion.get_shapes_embeddings_status": "",
    "DatasetVersion.list_rectangles_embeddings": "DatasetVersion.get_shapes_embeddings_status",
    "DatasetVersion.list_polygons_embeddings": "DatasetVersion.get_shapes_embeddings_status",
    "Datalake.list_embeddings": "Datalake.count_embeddings",
    "Datalake.similar_search": "Datalake.count_embeddings",
    "Datalake.visual_search": "Datalake.count_embeddings",
    "Datalake.text_search": "Datalake.count_embeddings",
    "Datalake.create_chart": "",
    "Datalake.upsert_custom_metadata_schema_key": "",
    "Datalake.delete_custom_metadata_schema_key": "",
    "Datalake.set_allow_extra_custom_metadata": "",
    "Datalake.update_custom_metadata_schema": "Datalake.set_allow_extra_custom_metadata",
    "Datalake.update_multiple_data": "",
    "Datalake.import_cloud_projections": "",
    "Datalake.create_projection": "Data.list_projections",
    "Data.list_projections": "",
}


@refuses(*_SEARCH, why="there is no visual search, no projection, no chart, no metadata schema")
def test_datasets_and_the_datalake_are_not_searched_by_sight(client: Client) -> None:
    refused(client, _SEARCH)


_TAGS = {
    "DatasetVersion.convert_tags_to_classification": "",
    "DatasetVersion.get_asset_tag_analytics": "",
    "DatasetVersion.get_data_tag_analytics": "",
}


@refuses(*_TAGS, why="tags are neither counted nor made labels; an import has labels")
def test_tags_are_tags(client: Client) -> None:
    refused(client, _TAGS)


_PEOPLE = {
    "Dataset.list_users": "/api/access/dataset/x/users",
    "Dataset.add_user": "/api/access/dataset/x/users",
    "Dataset.list_workers": "/api/access/dataset/x/users",
    "Dataset.find_worker": "/api/access/dataset/x/users",
    "Deployment.list_workers": "/api/access/deployment/x/users",
    "DatasetVersion.create_campaign": "",
    "DatasetVersion.get_campaign": "",
}


@refuses(*_PEOPLE, why="rights are the organisation's, and there are no campaigns")
def test_nobody_is_assigned_to_anything(client: Client) -> None:
    refused(client, _PEOPLE)


_HISTORY = {"ModelContext.sync": ""}


@refuses(*_HISTORY, why="a context never changes")
def test_a_context_is_fetched_once(client: Client) -> None:
    refused(client, _HISTORY)
