"""The Kubernetes API server and its etcd, built from their modules.

Kubernetes replaces its staging modules by folders of its own repository, which `go install`
refuses: a module of ours names each at the version it was published as.
"""

import json
import re
import tempfile
from collections.abc import Iterable
from pathlib import Path

from sightloop.dev.cache import cache_folder, fill
from sightloop.dev.go import run_go

KUBERNETES_VERSION = "1.34.2"
ETCD_VERSION = "3.6.6"

_CACHED = f"kubernetes-{KUBERNETES_VERSION}-etcd-{ETCD_VERSION}"
_STAGED = re.compile(r"^\s*(k8s\.io/\S+) => \./staging/\S+$", re.MULTILINE)
_API_SERVER = """package main

import (
	"os"
	_ "time/tzdata"

	"k8s.io/component-base/cli"
	_ "k8s.io/component-base/logs/json/register"
	"k8s.io/kubernetes/cmd/kube-apiserver/app"
)

func main() { os.Exit(cli.Run(app.NewAPIServerCommand())) }
"""
_ETCD = """package main

import (
	"os"

	"go.etcd.io/etcd/server/v3/etcdmain"
)

func main() { etcdmain.Main(os.Args) }
"""


def programs_folder() -> Path | None:
    """The folder of `kube-apiserver` and `etcd`, None when they are not in the cache."""
    folder = cache_folder() / _CACHED
    return folder if folder.exists() else None


def build_programs() -> Path:
    """The same folder, filled; the first time takes many minutes. Raises FetchFailed."""
    return fill(_CACHED, _build)


def staged_modules(go_mod: str) -> list[str]:
    """The modules that a `go.mod` of Kubernetes replaces by its own folders."""
    return _STAGED.findall(go_mod)


def _build(folder: Path) -> None:
    with tempfile.TemporaryDirectory(prefix="sightloop-build-") as scratch:
        source = Path(scratch)
        # What Kubernetes publishes out of its staging folders is v0 of the same release.
        staged = f"v0.{KUBERNETES_VERSION.removeprefix('1.')}"
        _compile(
            _API_SERVER,
            source / "kube-apiserver",
            folder,
            require=f"k8s.io/kubernetes v{KUBERNETES_VERSION}",
            replace=[f"{name} => {name} {staged}" for name in staged_modules(_go_mod(source))],
        )
        _compile(
            _ETCD, source / "etcd", folder, require=f"go.etcd.io/etcd/server/v3 v{ETCD_VERSION}"
        )


def _go_mod(scratch: Path) -> str:
    """The `go.mod` of Kubernetes."""
    (scratch / "go.mod").write_text("module sightloop\n")
    said = run_go(
        ["mod", "download", "-json", f"k8s.io/kubernetes@v{KUBERNETES_VERSION}"], cwd=scratch
    )
    return Path(json.loads(said)["GoMod"]).read_text()


def _compile(
    main: str,
    source: Path,
    into: Path,
    *,
    require: str,
    replace: Iterable[str] = (),
) -> None:
    """Build one program, named like its source folder."""
    source.mkdir()
    lines = ["module sightloop", "go 1.24.0", f"require {require}"]
    lines += [f"replace {line}" for line in replace]
    (source / "go.mod").write_text("\n".join(lines) + "\n")
    (source / "main.go").write_text(main)
    run_go(["build", "-ldflags", "-s -w", "-o", str(into / source.name), "."], cwd=source)
