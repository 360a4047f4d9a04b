from pathlib import Path

import pytest

from connectors.manifest import ManifestInvalid, read_manifest
from connectors.registry import build_registry

GOOD = """
kind = "some-shop"
title = "Some shop"
category = "shop"
[[writes]]
element = "price.list"
dimensions = ["currency"]
[[fields]]
name = "region"
label = "Region"
pattern = "[a-z]{2}"
default = "eu"
"""


def manifest_file(folder: Path, text: str) -> Path:
    path = folder / "manifest.toml"
    path.write_text(text, "utf-8")
    return path


def test_every_kind_is_registered_with_its_capabilities() -> None:
    registry = build_registry()
    assert set(registry) == {"sandbox-erp", "sandbox-shop", "sandbox-market", "tryton", "vendure"}
    for kind, connector in registry.items():
        manifest = connector.manifest
        assert manifest.kind == kind
        assert connector.is_source or connector.writes
        assert (connector.channel is not None) is bool(manifest.writes)
    assert registry["tryton"].writes == ["order.document"]
    assert registry["tryton"].reports("price.list")
    assert not registry["sandbox-shop"].reports("price.list")
    assert registry["sandbox-shop"].reports("order.document")
    assert registry["vendure"].writes == [
        "order.status", "price.list", "product.description", "product.name", "stock.on_hand",
    ]  # fmt: skip
    assert registry["vendure"].reports("order.document")


def test_the_registry_cannot_be_changed() -> None:
    registry = build_registry()
    with pytest.raises(TypeError):
        registry["other"] = registry["tryton"]  # type: ignore[index]


def test_adapters_are_not_shared_between_registries() -> None:
    assert build_registry()["vendure"].channel is not build_registry()["vendure"].channel


def test_a_good_manifest_is_read(tmp_path: Path) -> None:
    manifest = read_manifest(manifest_file(tmp_path, GOOD))
    assert (manifest.kind, manifest.fields[0].default) == ("some-shop", "eu")


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (("kind =", "künd ="), "key/value"),
        (('["currency"]', '["currency", "colour"]'), "unknown dimensions: colour"),
        (("dimensions =", "dimension ="), "dimension"),
        (('title = "Some shop"', 'title = "Some shop"\ncolour = "red"'), "colour"),
        (('label = "Region"', 'label = "Region"\nsecert = true'), "secert"),
        (('label = "Region"', 'label = "Region"\nkind = "secret"'), "must not have a default"),
        (('title = "Some shop"', ""), "title"),
        (('pattern = "[a-z]{2}"', 'pattern = "["'), "regular expression"),
        (('default = "eu"', 'default = "europe"'), "does not match"),
        (('default = "eu"', '[[fields]]\nname = "region"\nlabel = "Again"'), "share a name"),
        (('kind = "some-shop"', "kind = 5"), "kind"),
    ],
)
def test_a_manifest_that_breaks_a_rule_is_refused(tmp_path: Path, change: tuple[str, str], sentence: str) -> None:
    assert change[0] in GOOD
    with pytest.raises(ManifestInvalid, match=sentence):
        read_manifest(manifest_file(tmp_path, GOOD.replace(*change)))
