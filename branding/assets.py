"""Browser files under names that hold their content's hash, so that they may be cached for ever."""

import hashlib
import json
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from branding.errors import MissingAsset

STATIC = Path(__file__).parent / "static"
_LIBRARIES = ("node_modules/htmx.org/dist/htmx.min.js",)
_MANIFEST = "manifest.json"


def build_assets(root: Path, out_dir: Path) -> dict[str, str]:
    """Copy our own files and the installed libraries of `root` (after `npm ci`) to `out_dir`; name → hashed name.

    Earlier files stay, because pages that are open may still ask for them.
    """
    sources = sorted(STATIC.glob("*.*")) + [root / library for library in _LIBRARIES]
    out_dir.mkdir(parents=True, exist_ok=True)
    manifest = {source.name: _copy(source, out_dir) for source in sources}
    with _staged(out_dir / _MANIFEST) as staged:
        staged.write_text(json.dumps(manifest, indent=1, sort_keys=True))
    return manifest


def read_manifest(out_dir: Path) -> dict[str, str]:
    path = out_dir / _MANIFEST
    if not path.is_file():
        raise MissingAsset(f"{path} does not exist: run `npm ci`, then build the assets.")
    manifest: dict[str, str] = json.loads(path.read_text())
    return manifest


def asset_urls(manifest: Mapping[str, str], prefix: str = "/static") -> Callable[[str], str]:
    """What templates call as `asset('app.css')`."""

    def url(name: str) -> str:
        if name not in manifest:
            raise MissingAsset(f"There is no browser file called {name}; there are {', '.join(sorted(manifest))}.")
        return f"{prefix}/{manifest[name]}"

    return url


def _copy(source: Path, out_dir: Path) -> str:
    if not source.is_file():
        raise MissingAsset(f"{source} does not exist: run `npm ci` in the repository's root.")
    content = source.read_bytes()
    name = f"{source.stem}.{hashlib.sha256(content).hexdigest()[:16]}{source.suffix}"
    if not (out_dir / name).exists():
        with _staged(out_dir / name) as staged:
            shutil.copyfile(source, staged)
    return name


@contextmanager
def _staged(path: Path) -> Iterator[Path]:
    """Where to write what then takes its place whole. Several processes may do so at once: each has its own."""
    with TemporaryDirectory(prefix=".", dir=path.parent) as folder:
        yield Path(folder) / path.name
        (Path(folder) / path.name).replace(path)
