"""Browser assets under names with a content hash, so that they can be cached for ever."""

import hashlib
import json
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from branding.errors import MissingAsset

STATIC = Path(__file__).parent / "static"
_LIBRARIES = ("node_modules/htmx.org/dist/htmx.min.js",)
_FACES = "node_modules/@fontsource-variable/inter/wght.css"
"""Font faces of Inter per script, each with its file: browsers load only those that a page's letters need."""
_FACE_FILE = re.compile(rb"url\(\./([\w./-]+)\)")
_FONTS = "fonts.css"
_MANIFEST = "manifest.json"


def build_assets(root: Path, out_dir: Path) -> dict[str, str]:
    """Copy our own files and the installed libraries of `root` (after `npm ci`) to `out_dir`; name → hashed name.

    Earlier files stay, because open pages may still request them.
    """
    sources = sorted(STATIC.glob("*.*")) + [root / library for library in _LIBRARIES]
    out_dir.mkdir(parents=True, exist_ok=True)
    manifest = {source.name: _copy(source, out_dir) for source in sources}
    manifest[_FONTS] = _copy_fonts(root / _FACES, out_dir)
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
    """The template function `asset`: file name → hashed URL. It raises MissingAsset for a file that was not built."""

    def url(name: str) -> str:
        if name not in manifest:
            raise MissingAsset(f"There is no browser file called {name}; there are {', '.join(sorted(manifest))}.")
        return f"{prefix}/{manifest[name]}"

    return url


def _copy_fonts(faces: Path, out_dir: Path) -> str:
    """Copy the font's files and its stylesheet, which references them by their hashed names."""

    def hashed(found: re.Match[bytes]) -> bytes:
        return b"url(" + _copy(faces.parent / found[1].decode(), out_dir).encode() + b")"

    return _write(_FACE_FILE.sub(hashed, _read(faces)), Path(_FONTS), out_dir)


def _copy(source: Path, out_dir: Path) -> str:
    return _write(_read(source), source, out_dir)


def _read(source: Path) -> bytes:
    if not source.is_file():
        raise MissingAsset(f"{source} does not exist: run `npm ci` in the repository's root.")
    return source.read_bytes()


def _write(content: bytes, name: Path, out_dir: Path) -> str:
    hashed = f"{name.stem}.{hashlib.sha256(content).hexdigest()[:16]}{name.suffix}"
    if not (out_dir / hashed).exists():
        with _staged(out_dir / hashed) as staged:
            staged.write_bytes(content)
    return hashed


@contextmanager
def _staged(path: Path) -> Iterator[Path]:
    """Temporary path that is renamed over the target when complete. Unique, so that several processes may write at
    once.
    """
    with TemporaryDirectory(prefix=".", dir=path.parent) as folder:
        yield Path(folder) / path.name
        (Path(folder) / path.name).replace(path)
