"""Browser assets are built under names that depend on their content."""

import json
import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest

from branding.assets import asset_urls, build_assets, read_manifest
from branding.errors import MissingAsset

ROOT = Path(__file__).parents[2]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    library = tmp_path / "node_modules/htmx.org/dist"
    library.mkdir(parents=True)
    (library / "htmx.min.js").write_text("var htmx={}")
    inter = tmp_path / "node_modules/@fontsource-variable/inter"
    (inter / "files").mkdir(parents=True)
    (inter / "files/inter-latin.woff2").write_bytes(b"letters")
    (inter / "wght.css").write_text("@font-face{src:url(./files/inter-latin.woff2) format('woff2')}")
    return tmp_path


def test_files_are_found_under_the_names_in_the_manifest(root: Path) -> None:
    manifest = build_assets(root, root / "out")
    assert manifest == read_manifest(root / "out")
    assert set(manifest) == {"app.css", "app.js", "htmx.min.js", "palette.js", "row_keys.js", "beside.js", "fonts.css"}
    assert (root / "out" / manifest["htmx.min.js"]).read_text() == "var htmx={}"
    assert asset_urls(manifest)("app.css") == f"/static/{manifest['app.css']}"


def test_the_fonts_stylesheet_names_each_file_by_its_hashed_name(root: Path) -> None:
    written = root / "out" / build_assets(root, root / "out")["fonts.css"]
    (font,) = (root / "out").glob("inter-latin.*.woff2")
    assert font.read_bytes() == b"letters"
    assert written.read_text() == f"@font-face{{src:url({font.name}) format('woff2')}}"
    before, again = written.name, b"other letters"
    (root / "node_modules/@fontsource-variable/inter/files/inter-latin.woff2").write_bytes(again)
    assert build_assets(root, root / "out")["fonts.css"] != before


def test_the_shipped_font_has_every_weight_in_one_file_for_each_script(tmp_path: Path) -> None:
    faces = (tmp_path / build_assets(ROOT, tmp_path)["fonts.css"]).read_text()
    files = re.findall(r"url\(([^)]+)\)", faces)
    assert {name.split(".")[0] for name in files} >= {
        f"inter-{script}-wght-normal" for script in ("latin", "latin-ext", "greek", "cyrillic")
    }
    assert faces.count("font-weight: 100 900") == faces.count("@font-face") == len(files)
    assert all((tmp_path / name).read_bytes().startswith(b"wOF2") for name in files)


def test_a_changed_file_gets_another_name_and_the_old_one_stays(root: Path) -> None:
    before = build_assets(root, root / "out")["htmx.min.js"]
    (root / "node_modules/htmx.org/dist/htmx.min.js").write_text("var htmx={v:2}")
    after = build_assets(root, root / "out")["htmx.min.js"]
    assert before != after
    assert {before, after} <= {path.name for path in (root / "out").iterdir()}


def test_building_twice_changes_nothing(root: Path) -> None:
    assert build_assets(root, root / "out") == build_assets(root, root / "out")
    assert not [path for path in (root / "out").iterdir() if path.name.startswith(".")]


def test_a_missing_library_names_the_command_to_run(tmp_path: Path) -> None:
    with pytest.raises(MissingAsset, match="npm ci"):
        build_assets(tmp_path, tmp_path / "out")


def test_a_missing_manifest_and_an_unknown_name_fail_with_the_command_to_run(tmp_path: Path) -> None:
    with pytest.raises(MissingAsset, match="npm ci"):
        read_manifest(tmp_path)
    with pytest.raises(MissingAsset, match=r"no browser file called x\.js; there are app\.css"):
        asset_urls({"app.css": "app.1.css"})("x.js")


def test_only_htmx_and_the_font_are_served_and_the_lock_names_no_address() -> None:
    lock = json.loads((ROOT / "package-lock.json").read_text())
    packages = {name: package for name, package in lock["packages"].items() if name}
    served = {name for name, package in packages.items() if not package.keys() & {"dev", "optional"}}
    assert served == {"node_modules/htmx.org", "node_modules/@fontsource-variable/inter"}
    assert set(lock["packages"][""]["devDependencies"]) == {"axe-core", "oidc-provider"}
    assert set(lock["packages"][""]["optionalDependencies"]) == {"@stripe/cli-linux-x64"}, "for tests only"
    assert "resolved" not in (ROOT / "package-lock.json").read_text()
    assert all(package["integrity"].startswith("sha512-") for package in packages.values())


def test_several_may_build_into_one_folder_at_once(root: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        for again in range(20):
            out = root / f"out{again}"
            together = Barrier(8)

            def build(folder: Path = out, barrier: Barrier = together) -> dict[str, str]:
                barrier.wait()
                return build_assets(root, folder)

            built = [each.result() for each in [pool.submit(build) for _ in range(8)]]
            assert built == [read_manifest(out)] * 8
            fonts = {path.name for path in out.glob("*.woff2")}
            assert {path.name for path in out.iterdir()} == {*built[0].values(), *fonts, "manifest.json"}
