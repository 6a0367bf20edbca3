"""Kustomize, which makes the manifests of `deploy/k8s` into what a cluster is given."""

import subprocess
from pathlib import Path

from sightloop.dev.cache import cache_folder, fill
from sightloop.dev.go import go_install
from sightloop.dev.part import Available, Missing, PartFailed

_VERSION = "v5.7.1"
_CACHED = f"kustomize-{_VERSION}"


class Kustomize:
    """The program, and what it renders."""

    name = "kustomize"

    @staticmethod
    def available() -> Available | Missing:
        """Whether the program is here."""
        program = _program()
        if not program.exists():
            return Missing("no kustomize in the cache: run `sightloop dev fetch --kubernetes`")
        return Available(f"kustomize {_VERSION}, {program}")

    @staticmethod
    def fetch() -> None:
        """Build the program into the cache; Go checks the modules. Raises FetchFailed."""
        fill(
            _CACHED,
            lambda folder: go_install(f"sigs.k8s.io/kustomize/kustomize/v5@{_VERSION}", folder),
        )

    @staticmethod
    def build(folder: Path) -> str:
        """The YAML documents of a folder with a `kustomization.yaml`. Blocks.

        Raises PartFailed with what kustomize said.
        """
        done = subprocess.run(
            [str(_program()), "build", str(folder)],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        if done.returncode != 0:
            raise PartFailed(f"kustomize build {folder}: {done.stderr.strip()}")
        return done.stdout


def _program() -> Path:
    return cache_folder() / _CACHED / "kustomize"
