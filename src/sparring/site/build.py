"""Building the site with Sphinx, and whether the one that is there is newer than what it is made of."""

import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from sparring.core.errors import ConfigError, SparringError
from sparring.core.package import CONFIG_DIR, FOLDER
from sparring.site.sources import files, repository, write_sources

PACKAGES = {"sphinx": "sphinx", "myst_parser": "myst-parser", "furo": "furo"}


def missing() -> list[str]:
    """The packages of the extra `docs` that are not installed, as pip calls them."""
    return [name for module, name in PACKAGES.items() if importlib.util.find_spec(module) is None]


def is_current(site: Path) -> bool:
    """Whether the first page is there and younger than all that the site is made of."""
    first, root = site / "index.html", repository()
    if not first.is_file():
        return False
    code = (path for folder in (CONFIG_DIR, FOLDER) for kind in ("*.yaml", "*.py") for path in folder.rglob(kind))
    newest = max(path.stat().st_mtime for path in [*code, *(root / path for path in files(root))])
    return newest < first.stat().st_mtime


def build(site: Path) -> None:
    """Build the site into `site`, in place of what is there. A build that fails leaves that as it was.

    Raises:
        ConfigError: a package is not installed.
        SparringError: Sphinx refuses or warns about a page; its words are in the message.
    """
    if absent := missing():
        raise ConfigError(
            f"the documentation is built with packages that are not installed: pip install {' '.join(absent)}, or in a checkout "
            "pip install -c constraints.txt -e '.[docs]'."
        )
    site.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=site.parent, prefix=".site-") as name:
        work = Path(name)
        write_sources(repository(), work / "source")
        command = [sys.executable, "-m", "sphinx", "-q", "-W", "--keep-going"]
        folders = [str(work / name) for name in ("trees", "source", "html")]
        environment = os.environ | {
            "PYTHONPATH": os.pathsep.join(filter(None, [str(FOLDER.parent), os.environ.get("PYTHONPATH")]))
        }
        done = subprocess.run([*command, "-d", *folders], capture_output=True, text=True, check=False, env=environment)
        if done.returncode:
            raise SparringError(f"Sphinx did not build the documentation:\n{done.stderr.strip()}")
        shutil.rmtree(site, ignore_errors=True)
        (work / "html").rename(site)
