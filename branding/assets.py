"""Browser files under names that hold their content's hash, so that they may be cached for ever."""

import hashlib
import json
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

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
    _replace(out_dir / _MANIFEST, json.dumps(manifest, indent=1, sort_keys=True))
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
        staged = out_dir / f".{name}"
        shutil.copyfile(source, staged)
        staged.replace(out_dir / name)
    return name


def _replace(path: Path, text: str) -> None:
    """A reader sees the old manifest or the new one, never half of one."""
    staged = path.with_name(f".{path.name}")
    staged.write_text(text)
    staged.replace(path)
