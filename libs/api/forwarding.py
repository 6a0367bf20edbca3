"""Which service answers which path of the existing client, where services are processes.

The gateway forwards by this table; a test holds it equal to what the services declare.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from libs.api.compat import XGET, TokenKind

_ORGANIZATION = "/api/organization/{organization}"
_DEPLOYMENT = "/api/deployment/{deployment}"
_EXPERIMENT = "/api/experiment/{experiment}"
_STORAGE = "/api/object-storage/{connector}"
_VERSION = "/api/dataset/version/{version}"
_ASSETS = _DEPLOYMENT + "/predictedassets"

# service → (methods, template), and perhaps the kind of token that leads there.
_TABLE: dict[str, tuple[tuple[str, ...], ...]] = {
    "deployer": (
        ("GET POST", _ORGANIZATION + "/deployments"),
        ("GET", _ORGANIZATION + "/deployments/find"),
        ("GET", _DEPLOYMENT, TokenKind.PLATFORM),
        ("PATCH DELETE", _DEPLOYMENT),
        ("POST", _DEPLOYMENT + "/model"),
        ("POST", _DEPLOYMENT + "/shadow"),
        ("GET", _DEPLOYMENT + "/labels"),
        ("POST PUT", _DEPLOYMENT + "/pipeline/cd"),
        ("GET POST", _ORGANIZATION + "/models"),
        ("GET", _ORGANIZATION + "/models/find"),
        ("GET", _ORGANIZATION + "/modelversions/find"),
        ("GET PATCH", "/api/model/{model}"),
        ("GET POST", "/api/model/{model}/versions"),
        ("GET", "/api/model/{model}/versions/find"),
        ("GET PATCH", "/api/model/version/{version}"),
        ("GET", "/api/model/version/{version}/context"),
        ("POST", "/api/model/version/{version}/deploy"),
        ("GET POST", "/api/model/version/{version}/modelfiles"),
        ("GET DELETE", "/api/model/file/{file}"),
        ("POST", _EXPERIMENT + "/publish"),
        ("POST", _EXPERIMENT + "/publish/version"),
        ("GET", "/api/model/version/{version}/modelfiles/find"),
    ),
    "ingest": (
        ("GET", _DEPLOYMENT, TokenKind.DEPLOYMENT),
        ("POST", _DEPLOYMENT + "/predictions"),
        ("POST", "/api/prediction/{prediction}/shadow"),
        ("GET", _DEPLOYMENT + "/datalake/connector"),
        ("GET", _ORGANIZATION + "/datalake"),
        ("GET", _ORGANIZATION + "/datalakes"),
        ("GET POST", _ORGANIZATION + "/tags"),
        ("GET", _ORGANIZATION + "/tags/find"),
        ("GET POST", _ORGANIZATION + "/datasources"),
        ("GET", _ORGANIZATION + "/datasources/find"),
        ("POST", _ORGANIZATION + "/connector/{connector}/generate_object_name"),
        ("POST", _STORAGE + "/generate_presigned_url"),
        ("POST", _STORAGE + "/init_multipart_upload"),
        ("POST", _STORAGE + "/generate_part_presigned_url"),
        ("POST", _STORAGE + "/complete_part_upload"),
        ("POST", _STORAGE + "/retrieve_presigned_url"),
        ("GET", "/api/datalake/{datalake}"),
        ("GET POST", "/api/datalake/{datalake}/tags"),
        ("GET", "/api/datalake/{datalake}/tags/find"),
        ("GET POST DELETE XGET", "/api/datalake/{datalake}/datas"),
        ("POST", "/api/datalake/{datalake}/objects"),
        ("GET", "/api/datalake/{datalake}/datas/find"),
        ("GET PATCH DELETE", "/api/data/{data}"),
        ("GET", "/api/data/{data}/presigned-url"),
        ("PATCH", "/api/data/{data}/custom-metadata"),
        ("GET", "/api/data/source/{source}"),
        ("GET PATCH DELETE", "/api/tag/{tag}"),
        ("POST", "/api/tag/{tag}/attach"),
        ("POST", "/api/tag/{tag}/detach"),
        ("POST", "/blobs"),
        ("GET PUT", "/blobs/{key:path}"),
    ),
    "serving": (
        ("POST", "/api/deployments/{deployment}/predict"),
        ("POST", "/api/v2/deployments/{deployment}/predict"),
    ),
    "trainer": (
        ("GET POST", _ORGANIZATION + "/projects"),
        ("GET", _ORGANIZATION + "/projects/find"),
        ("GET", _ORGANIZATION + "/experiments/find"),
        ("GET PATCH", "/api/project/{project}"),
        ("GET POST DELETE", "/api/project/{project}/datasets"),
        ("GET POST", "/api/project/{project}/experiments"),
        ("GET", "/api/project/{project}/experiments/find"),
        ("GET PATCH", _EXPERIMENT),
        ("PATCH", _EXPERIMENT + "/job/status"),
        ("GET POST DELETE", _EXPERIMENT + "/datasets"),
        ("GET", _EXPERIMENT + "/datasets/find"),
        ("POST", _EXPERIMENT + "/experiment"),
        ("POST", _EXPERIMENT + "/model"),
        ("GET POST", _EXPERIMENT + "/logging"),
        ("POST", _EXPERIMENT + "/logging/save"),
        ("GET", "/api/logging/file/{artifact}"),
        ("POST DELETE", _EXPERIMENT + "/logs"),
        ("GET", _EXPERIMENT + "/logs/extended"),
        ("GET", _EXPERIMENT + "/logs/find"),
        ("GET", _EXPERIMENT + "/logs/ids"),
        ("GET PATCH DELETE", "/api/log/{log}"),
        ("POST", "/api/log/{log}/append"),
        ("GET POST DELETE", _EXPERIMENT + "/artifacts"),
        ("GET", _EXPERIMENT + "/artifacts/find"),
        ("GET", _EXPERIMENT + "/artifacts/ids"),
        ("GET PATCH DELETE", "/api/artifact/{artifact}"),
    ),
    "metrics": (
        ("GET", _DEPLOYMENT + "/stats"),
        ("GET", _DEPLOYMENT + "/predictions/stats"),
        ("POST", _DEPLOYMENT + "/pipeline/td/setup"),
        ("GET", _DEPLOYMENT + "/pipeline/td/check"),
        ("PUT", _DEPLOYMENT + "/pipeline/td/disable"),
    ),
    "feedback": (
        ("POST", _DEPLOYMENT + "/pipeline/fl/setup"),
        ("PUT", _DEPLOYMENT + "/pipeline/fl"),
        ("GET POST DELETE", _DEPLOYMENT + "/fl/datasets"),
        ("POST PUT", _DEPLOYMENT + "/pipeline/ct"),
        ("POST DELETE", _DEPLOYMENT + "/ct/datasets"),
        ("GET POST", _ORGANIZATION + "/datasets"),
        ("GET", _ORGANIZATION + "/datasets/find"),
        ("GET", _ORGANIZATION + "/datasetversions/find"),
        ("GET", "/api/dataset/{dataset}"),
        ("GET POST", "/api/dataset/{dataset}/versions"),
        ("GET", "/api/dataset/{dataset}/versions/find"),
        ("GET PATCH", _VERSION),
        ("GET POST", _VERSION + "/labels"),
        ("GET", _VERSION + "/labels/find"),
        ("XGET", _VERSION + "/bulk-labels"),
        ("GET POST", _VERSION + "/labelgroups"),
        ("PATCH", "/api/label/{label}"),
        ("GET POST XGET", _VERSION + "/assets"),
        ("GET", _VERSION + "/assets/find"),
        ("GET", _VERSION + "/assets/extended"),
        ("GET", "/api/asset/{asset}"),
        ("POST", _VERSION + "/bulk-annotations"),
        ("GET", _VERSION + "/annotations/ids"),
        ("XGET", _VERSION + "/annotations"),
        ("GET", _VERSION + "/stats"),
        ("GET POST", _VERSION + "/tags"),
        ("GET", _VERSION + "/tags/find"),
        ("POST", _VERSION + "/lock"),
        ("POST", _VERSION + "/unlock"),
    ),
    "review": (
        ("GET", _ASSETS),
        ("GET", _ASSETS + "/find"),
        ("GET DELETE", "/api/predicted/asset/{asset}"),
        ("POST", "/api/predicted/asset/{asset}/reviews"),
    ),
}
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", XGET)


@dataclass(frozen=True, slots=True)
class Forward:
    """One line: a request of this method and path, with such a token, is this service's."""

    service: str
    method: str
    template: str
    kind: TokenKind

    @property
    def pattern(self) -> "re.Pattern[str]":
        """The path; a parameter is one segment, `:path` what is left."""
        text = re.sub(r"\{\w+:path\}", ".+", self.template)
        return re.compile(re.sub(r"\{\w+\}", "[^/]+", text))


@cache
def forwards() -> tuple[Forward, ...]:
    """Every line, the longest literal path first: `/model/version/…` before `/model/{model}`."""
    return tuple(sorted(_lines(), key=lambda one: one.template.count("{")))


@cache
def _by_method() -> dict[str, list[tuple["re.Pattern[str]", Forward]]]:
    found: dict[str, list[tuple[re.Pattern[str], Forward]]] = {}
    for one in forwards():
        found.setdefault(one.method, []).append((one.pattern, one))
    return found


def forward_of(method: str, path: str) -> list[Forward]:
    """The lines of a request, one for each kind of token."""
    return [one for pattern, one in _by_method().get(method, ()) if pattern.fullmatch(path)]


def _lines() -> Iterator[Forward]:
    for service, lines in _TABLE.items():
        for methods, template, *kind in lines:
            for method in methods.split():
                yield Forward(service, method, template, TokenKind(kind[0] if kind else "any"))
