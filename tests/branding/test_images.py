"""Uploaded images: refused by content, and re-encoded so that only pixels are kept."""

from contextlib import suppress
from io import BytesIO
from typing import Any

import pytest
from PIL import Image, PngImagePlugin

from branding.brand import prepare_brand
from branding.errors import InvalidImage
from branding.images import MOST_BYTES, BrandImage, ImageKind, prepare_image
from branding.theme import parse_theme

HIDDEN = b"<script>alert(document.domain)</script>"
THEME = parse_theme(
    {"name": "Birch & Sons", "monogram": "B", "accent": "#1f5fbf", "support_email": "help@birch.example"}
)


def drawn(
    size: tuple[int, int] = (64, 64), colour: Any = (20, 90, 200, 255), form: str = "PNG", **options: Any
) -> bytes:
    file = BytesIO()
    Image.new("RGB" if form == "JPEG" else "RGBA", size, colour[:3] if form == "JPEG" else colour).save(
        file, form, **options
    )
    return file.getvalue()


def opened(content: bytes) -> Image.Image:
    image = Image.open(BytesIO(content))
    image.load()
    return image


class TestAccepted:
    @pytest.mark.parametrize("form", ["PNG", "JPEG", "WEBP"])
    def test_each_format_becomes_a_png(self, form: str) -> None:
        image = opened(prepare_image(drawn(form=form), ImageKind.LOGO).content)
        assert (image.format, image.size) == ("PNG", (64, 64))

    @pytest.mark.parametrize("form", ["PNG", "JPEG", "WEBP"])
    def test_nothing_behind_or_inside_the_file_is_kept(self, form: str) -> None:
        notes = PngImagePlugin.PngInfo()
        notes.add_text("Comment", HIDDEN.decode())
        options: dict[str, dict[str, Any]] = {
            "PNG": {"pnginfo": notes},
            "JPEG": {"comment": HIDDEN},
            "WEBP": {"xmp": HIDDEN},
        }
        sent = drawn(form=form, **options[form]) + HIDDEN
        assert HIDDEN in sent
        stored = prepare_image(sent, ImageKind.LOGO).content
        assert b"script" not in stored
        assert opened(stored).info == {}

    def test_a_large_logo_is_reduced_and_an_icon_becomes_square(self) -> None:
        logo = prepare_image(drawn((2000, 500)), ImageKind.LOGO)
        assert (logo.width, logo.height) == (512, 128)
        icon = prepare_image(drawn((400, 100)), ImageKind.ICON)
        assert (icon.width, icon.height) == (180, 180)
        assert opened(icon.content).getpixel((0, 0)) == (0, 0, 0, 0)

    def test_a_photo_is_turned_upright(self) -> None:
        exif = Image.Exif()
        exif[0x0112] = 6
        logo = prepare_image(drawn((40, 80), form="JPEG", exif=exif), ImageKind.LOGO)
        assert (logo.width, logo.height) == (80, 40)

    @pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "I;16", "CMYK"])
    def test_each_kind_of_pixels_is_read(self, mode: str) -> None:
        file = BytesIO()
        Image.new(mode, (32, 32)).save(file, "JPEG" if mode == "CMYK" else "PNG")
        assert prepare_image(file.getvalue(), ImageKind.LOGO).width == 32

    def test_the_contrast_is_that_of_the_visible_parts(self) -> None:
        white = prepare_image(drawn(colour=(255, 255, 255, 255)), ImageKind.LOGO)
        assert (white.contrast_light, white.contrast_dark > 15) == (1.0, True)
        black = prepare_image(drawn(colour=(0, 0, 0, 255)), ImageKind.LOGO)
        assert (black.contrast_light, black.contrast_dark < 1.5) == (21.0, True)
        clear = prepare_image(drawn(colour=(0, 0, 0, 0)), ImageKind.LOGO)
        assert (clear.contrast_light, clear.contrast_dark) == (1.0, 1.0)


def bomb() -> bytes:
    file = BytesIO()
    Image.new("1", (20_000, 20_000)).save(file, "PNG")
    return file.getvalue()


class TestRefused:
    @pytest.mark.parametrize(
        ("content", "sentence"),
        [
            (b"", "Choose a file"),
            (b"x" * (MOST_BYTES + 1), "larger than 1 MB"),
            (b"<html>" + HIDDEN, "not a PNG, JPEG or WebP"),
            (b"GIF89a" + b"\0" * 64, "not a PNG, JPEG or WebP"),
            (b"%PDF-1.7", "not a PNG, JPEG or WebP"),
            (
                b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>',
                "SVG files may contain",
            ),
            (drawn((8, 8)), "at least 16 pixels"),
            (drawn((200, 200), form="PNG")[:120], "damaged"),
            (drawn((4000, 1001)), "more than 4 million pixels"),
        ],
        ids=["empty", "large", "html", "gif", "pdf", "svg", "small", "cut", "pixels"],
    )
    def test_a_file_that_cannot_be_used_is_refused_with_a_sentence(self, content: bytes, sentence: str) -> None:
        with pytest.raises(InvalidImage, match=sentence):
            prepare_image(content, ImageKind.LOGO)

    def test_a_small_file_of_many_pixels_is_refused_before_it_is_read(self) -> None:
        with pytest.raises(InvalidImage, match="million pixels"):
            prepare_image(bomb(), ImageKind.LOGO)

    @pytest.mark.parametrize("form", ["PNG", "JPEG", "WEBP"])
    def test_damage_anywhere_is_refused_or_read_but_never_an_error(self, form: str) -> None:
        whole = bytearray(drawn((40, 40), form=form))
        for place in range(0, len(whole), max(1, len(whole) // 60)):
            changed = bytes(whole[:place]) + bytes([whole[place] ^ 0xFF]) + bytes(whole[place + 1 :])
            with suppress(InvalidImage):
                assert opened(prepare_image(changed, ImageKind.LOGO).content).format == "PNG"


def image(kind: ImageKind, width: int, height: int = 100) -> BrandImage:
    return BrandImage(kind, f"/brand/birch-{kind}-0123456789abcdef.png", width, height, 5.0, 5.0)


class TestSignature:
    def test_a_wide_logo_replaces_the_name_and_is_read_out_as_it(self) -> None:
        images = {ImageKind.LOGO: image(ImageKind.LOGO, 200)}
        brand = prepare_brand(brand_id=None, msp_id=None, slug="birch", theme=THEME, images=images)
        assert 'alt="Birch &amp; Sons"' in brand.signature
        assert "<b>" not in brand.signature
        assert 'alt=""' in brand.logo

    def test_another_logo_is_beside_the_name(self) -> None:
        images = {kind: image(kind, 150) for kind in ImageKind}
        brand = prepare_brand(brand_id=None, msp_id=None, slug="birch", theme=THEME, images=images)
        assert brand.signature.endswith("<b>Birch &amp; Sons</b>")
        assert brand.signature.count('alt=""') == 2
        assert brand.favicon.path == images[ImageKind.ICON].path

    def test_without_images_the_monogram_is_drawn(self) -> None:
        brand = prepare_brand(brand_id=None, msp_id=None, slug="birch", theme=THEME)
        assert brand.signature.startswith('<svg class="logo"')
        assert brand.favicon.media_type == "image/svg+xml"
