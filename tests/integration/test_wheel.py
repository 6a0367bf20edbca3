"""The wheel: what is installed works beside another distribution's `libs`, in a folder that has
its own `services`."""

import subprocess
import sys
import textwrap
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if not (ROOT / "web" / "dist" / "index.html").exists():
        pytest.skip("the interface is not built (no Node): a wheel cannot be made without it")
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)],
        cwd=ROOT, check=True, capture_output=True,
    )  # fmt: skip
    (made,) = folder.glob("*.whl")
    return made


def test_everything_of_ours_lies_under_one_name(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as packed:
        names = packed.namelist()
    tops = {name.split("/")[0] for name in names}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"sightloop"}
    assert "sightloop/_tree/services/ingest/service.py" in names
    assert "sightloop/_tree/libs/store/alembic/script.py.mako" in names
    assert "sightloop/_tree/web/dist/index.html" in names
    assert not [name for name in names if "__pycache__" in name or "node_modules" in name]


def test_it_starts_beside_foreign_libs_and_services(wheel: Path, tmp_path: Path) -> None:
    home = tmp_path / "environment"
    venv.create(home, with_pip=False, symlinks=True)
    (site,) = home.glob("lib/python3*/site-packages")
    # What it depends on comes from this environment; itself, and a foreign `libs`, from that one.
    (site / "dependencies.pth").write_text(
        "\n".join(p for p in sys.path if p.endswith("site-packages"))
    )
    with zipfile.ZipFile(wheel) as packed:
        packed.extractall(site)
    (site / "libs").mkdir()
    (site / "libs" / "__init__.py").write_text("raise ImportError('the libs of somebody else')")
    folder = tmp_path / "work"
    (folder / "services").mkdir(parents=True)
    (folder / "services" / "__init__.py").write_text("raise ImportError('other services')")
    program = textwrap.dedent(
        """
        import sys
        sys.argv = ["sightloop", "config", "print"]
        from sightloop.entry import main
        try:
            main()
        finally:
            import libs, services
            print(libs.__file__, services.__file__)
        """
    )
    python = str(home / "bin" / "python")
    ran = subprocess.run(
        [python, "-c", program], cwd=folder, capture_output=True, text=True, timeout=280,
        check=False,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    assert "SIGHTLOOP_INGEST_PICTURE_LIMIT" in ran.stdout
    assert ran.stdout.count("/sightloop/_tree/") == 2, ran.stdout[-300:]
