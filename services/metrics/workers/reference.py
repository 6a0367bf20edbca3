"""The job that makes a reference of a deployment's training data."""

import asyncio
import hashlib
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from uuid import NAMESPACE_OID, UUID, uuid5

import numpy as np

from libs.blobs.blobs import BlobNotFound
from libs.schemas.envelope import Received
from libs.schemas.events import DatasetVersionChanged, ReferenceReady
from libs.schemas.manifest import MalformedManifest, Manifest, ManifestAsset, read_manifest
from libs.schemas.values import TaskType
from libs.store.jobs import JobFailed
from libs.store.workers import JobRun
from libs.vision.boxes import polygon_box
from services.metrics.actions.backbones import opened
from services.metrics.actions.bases import basis_key
from services.metrics.actions.embedder import Embedder
from services.metrics.actions.embedding import Embedding, embed_pictures
from services.metrics.actions.training import JOB
from services.metrics.core.basis import Basis, BoxFacts
from services.metrics.core.outlier import TooFewImages
from services.metrics.errors import BackboneRefused, BackboneUnknown
from services.metrics.parts import Metrics
from services.metrics.store import progress, references

KIND = JOB

_BURSTS = 3  # blocks of the calibration's streams: three bursts (metrics.md §3)


async def compute(parts: Metrics, run: JobRun) -> None:
    """Embed the pictures of the version, fit, calibrate, store; then everything is scored anew."""
    job = run.job
    deployment, reference = UUID(job.payload["deployment"]), UUID(job.payload["reference"])
    told = job.payload["dataset_version"]
    version = None if told is None else UUID(told)
    try:
        await _compute(parts, run, deployment=deployment, reference=reference, version=version)
    except JobFailed as failed:
        async with parts.database.begin() as tx:
            event = ReferenceReady(
                deployment=deployment,
                reference=reference,
                dataset_version=version,
                images=0,
                error=str(failed),
            )
            await progress.advance(tx, job.organization, deployment, referenced=1)
            await tx.emit(event, organization=job.organization)
        raise


async def _compute(
    parts: Metrics, run: JobRun, *, deployment: UUID, reference: UUID, version: UUID | None
) -> None:
    organization = run.job.organization
    content = await _content(parts, run, deployment=deployment, version=version)
    wanted = _chosen(content.assets, parts.settings.reference_images)
    async with _backbone(parts, run) as backbone:
        assets, embeddings = await _embed(parts, run, wanted, backbone=backbone)
    total = len(wanted)
    kind = TaskType(run.job.payload["type"])
    await run.progress(total, total + 1, "fitting and calibrating")
    try:
        basis = await asyncio.to_thread(
            lambda: Basis.fit(
                np.stack(embeddings) if embeddings else np.zeros((0, 1), np.float32),
                blocks=[asset.block or str(asset.data) for asset in assets],
                boxes=_box_facts(assets, kind),
                window=parts.settings.drift_window,
            )
        )
    except TooFewImages as error:
        raise JobFailed(str(error)) from error
    run.check()
    basis = await asyncio.to_thread(
        basis.calibrated,
        block=_block(assets),
        streams=parts.settings.calibration_streams,
    )
    key = basis_key(organization, reference)
    data = await asyncio.to_thread(basis.to_bytes)
    await parts.blobs.put(key, data, content_type="application/octet-stream")
    async with parts.database.begin() as tx:
        current = await references.make_ready(
            tx,
            deployment,
            reference,
            digest=content.digest,
            key=key,
            images=len(assets),
            compared=len(basis.sample),
            window=basis.window,
            threshold=basis.threshold,
            features=list(basis.names),
            labels=content.label_counts(),
        )
        if current:
            held = await references.find(tx, organization, deployment)
            formers = [] if held is None else held["formers"]
            await references.ask_for_scores(tx, organization, deployment, formers=formers)
            await progress.advance(tx, organization, deployment, referenced=1)
            event = ReferenceReady(
                deployment=deployment,
                reference=reference,
                dataset_version=version,
                images=len(assets),
            )
            await tx.emit(event, organization=organization)
    if not current:
        await parts.blobs.delete(key)
        return
    parts.bases.put(reference, basis)
    await run.progress(total + 1, total + 1, "ready")


async def _content(
    parts: Metrics, run: JobRun, *, deployment: UUID, version: UUID | None
) -> "Content":
    """The images of a reference: the first of production, those trained on, or a version's."""
    payload = run.job.payload
    if version is None:
        async with parts.database.read() as read:
            keys = await references.first_pictures(
                read, run.job.organization, deployment, limit=int(payload["images"])
            )
        if not keys:
            raise JobFailed("no image has been logged with its picture yet")
        return Content(assets=[_unknown(key) for key in keys], labels=[], digest=None)
    keys = payload.get("manifests") or []
    if not keys:
        known = await _settled(parts, run, version)
        assert known.data.manifest is not None
        keys = [known.data.manifest]
    manifests = [await _manifest(parts, key) for key in keys]
    assets = {asset.data: asset for manifest in manifests for asset in manifest.assets}
    if not assets:
        raise JobFailed("the dataset version has no images")
    labels = dict.fromkeys(label for one in manifests for label in one.header.labels)
    return Content(
        assets=list(assets.values()),
        labels=list(labels),
        digest=manifests[0].header.digest if len(manifests) == 1 else None,
    )


async def _manifest(parts: Metrics, key: str) -> Manifest:
    try:
        data = await parts.blobs.get(key)
        return await asyncio.to_thread(read_manifest, data)
    except (BlobNotFound, MalformedManifest) as error:
        raise JobFailed(f"the manifest of the dataset version cannot be read: {error}") from error


def _unknown(picture: str) -> ManifestAsset:
    """An image of production: of it only the picture is known, as independent of all others."""
    return ManifestAsset(
        data=uuid5(NAMESPACE_OID, picture), filename="", picture=picture, sha256="", width=1,
        height=1,
    )  # fmt: skip


async def _settled(parts: Metrics, run: JobRun, version: UUID) -> Received[DatasetVersionChanged]:
    """The version once its manifest is written; it is written when the version has settled."""
    deadline = parts.clock.monotonic() + parts.settings.manifest_wait
    while True:
        known = parts.datasets.get(str(version))
        if known is not None and known.data.manifest is not None:
            return known
        if parts.clock.monotonic() > deadline:
            raise JobFailed("the dataset version has not settled: it has no manifest yet")
        await run.progress(0, 1, "waiting for the dataset version to settle")
        await asyncio.sleep(0.2)


def _chosen(assets: Sequence[ManifestAsset], most: int) -> list[ManifestAsset]:
    """At most `most` images, whole blocks, chosen by hash; in the order of block and time."""
    blocks: dict[str, list[ManifestAsset]] = {}
    for asset in assets:
        blocks.setdefault(asset.block or str(asset.data), []).append(asset)
    if len(assets) > most:
        by_hash = sorted(blocks, key=lambda name: hashlib.sha256(name.encode()).digest())
        kept: list[str] = []
        count = 0
        for name in by_hash:
            if count + len(blocks[name]) <= most:
                kept.append(name)
                count += len(blocks[name])
        blocks = {name: blocks[name] for name in kept}
    chosen = [asset for some in blocks.values() for asset in some]
    return sorted(
        chosen,
        key=lambda a: (
            a.block or "",
            a.event_time.timestamp() if a.event_time is not None else 0.0,
            a.sha256,
        ),
    )


@asynccontextmanager
async def _backbone(parts: Metrics, run: JobRun) -> AsyncIterator[Embedder | None]:
    """The backbone that this reference is made with, running; None: the built-in net."""
    told = run.job.payload.get("backbone")
    if told is None:
        yield None
        return
    try:
        async with opened(parts, run.job.organization, UUID(told)) as backbone:
            yield backbone
    except BackboneUnknown as error:
        raise JobFailed("the backbone was removed") from error
    except BackboneRefused as error:
        raise JobFailed(f"the backbone cannot be used: {error}") from error


async def _embed(
    parts: Metrics,
    run: JobRun,
    wanted: Sequence[ManifestAsset],
    *,
    backbone: Embedder | None,
) -> tuple[list[ManifestAsset], list[Embedding]]:
    assets, embeddings = [], []
    step = parts.settings.pictures_at_once
    for start in range(0, len(wanted), step):
        await run.progress(start, len(wanted) + 1, "embedding pictures")
        some = wanted[start : start + step]
        keys = [asset.picture for asset in some]
        found_of = await embed_pictures(parts, keys, backbone=backbone)
        if backbone is not None and backbone.failed is not None:
            name = some[len(found_of) - 1].filename or keys[len(found_of) - 1]
            raise JobFailed(f"the backbone failed at {name}: {backbone.failed}")
        for asset, found in zip(some, found_of, strict=True):
            if found is not None:
                assets.append(asset)
                embeddings.append(found)
    return assets, embeddings


def _box_facts(assets: Sequence[ManifestAsset], kind: TaskType) -> list[BoxFacts] | None:
    """Facts of the annotated boxes; None where there are no boxes or not every image has any."""
    if kind is TaskType.CLASSIFICATION or any(asset.annotation is None for asset in assets):
        return None
    facts = []
    for asset in assets:
        assert asset.annotation is not None
        boxes: Sequence[Any] = asset.annotation.boxes or [
            polygon_box(ring) for ring in asset.annotation.polygons
        ]
        areas = [float(w * h) for _, _, w, h in boxes]
        facts.append(BoxFacts.of(areas, image=float(asset.width * asset.height)))
    return facts


def _block(assets: Sequence[ManifestAsset]) -> int:
    """Neighbours drawn together in calibration: three bursts; 1 where images are independent."""
    sizes = list(Counter(asset.block for asset in assets if asset.block is not None).values())
    burst = float(np.median(sizes)) if sizes else 1.0
    return round(_BURSTS * burst) if burst > 1 else 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """What a reference is made of. `digest`: of the dataset version, where it is one."""

    assets: Sequence[ManifestAsset]
    labels: Sequence[str]
    digest: str | None

    def label_counts(self) -> dict[str, int]:
        """Annotated shapes by label."""
        counts = Counter(
            label
            for asset in self.assets
            if asset.annotation is not None
            for label in asset.annotation.labels
        )
        return {label: counts[label] for label in self.labels}
