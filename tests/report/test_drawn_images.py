import base64
import struct
import zlib
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tic.document.figures import Figure, Images
from tic.report.drawing import figures, images
from tic.report.drawing.png import SIGNATURE, png

GREY = ((0.0, 1.0, 0.5), (0.2, 0.4, 0.6))
COLOUR = (((1.0, 0.0, 0.0), (0.0, 0.0, 1.0)),)


def some_images(**changes: object) -> Images:
    fields: dict[str, object] = {
        "title": "Inputs",
        "scale_label": "rate",
        "names": ("grey", "colour"),
        "images": (GREY, COLOUR),
    }
    return Images.model_validate(fields | changes)


def drawing_of(**changes: object) -> figures.Drawing:
    figure = Figure(title="F", caption="", panels=(some_images(**changes),))
    (drawing,) = figures.figure_drawings(figure, "f")
    return drawing


def pictures(markup: str) -> list[ElementTree.Element]:
    return list(ElementTree.fromstring(markup).iter("image"))


def texts(markup: str) -> list[str]:
    return [element.text or "" for element in ElementTree.fromstring(markup).iter("text")]


def decoded(data: bytes) -> tuple[int, int, int, bytes]:
    """Read a PNG by its specification: width, height, colour type and the unfiltered bytes."""
    assert data[:8] == SIGNATURE == bytes([137, 80, 78, 71, 13, 10, 26, 10])
    chunks, place = {}, 8
    while place < len(data):
        (length,) = struct.unpack(">I", data[place : place + 4])
        kind, content = data[place + 4 : place + 8], data[place + 8 : place + 8 + length]
        (check,) = struct.unpack(">I", data[place + 8 + length : place + 12 + length])
        assert check == zlib.crc32(kind + content)
        chunks[kind] = content
        place += 12 + length
    assert list(chunks) == [b"IHDR", b"IDAT", b"IEND"]
    width, height, depth, colour, *methods = struct.unpack(">IIBBBBB", chunks[b"IHDR"])
    assert (depth, methods) == (8, [0, 0, 0])
    lines = zlib.decompress(chunks[b"IDAT"])
    step = 1 + width * {0: 1, 2: 3}[colour]
    assert len(lines) == step * height
    assert set(lines[::step]) == {0}
    return (
        width,
        height,
        colour,
        b"".join(lines[i + 1 : i + step] for i in range(0, len(lines), step)),
    )


def embedded(picture: ElementTree.Element) -> tuple[int, int, int, bytes]:
    head, _, data = picture.get("href", "").partition(",")
    assert head == "data:image/png;base64"
    return decoded(base64.b64decode(data, validate=True))


def test_a_png_is_one_by_its_specification():
    assert decoded(png([b"\x00\x80\xff", b"\x01\x02\x03"], 3, 1)) == (
        3, 2, 0, b"\x00\x80\xff\x01\x02\x03",
    )  # fmt: skip
    assert decoded(png([bytes(range(6))], 2, 3)) == (2, 1, 2, bytes(range(6)))


def test_a_png_is_read_by_others():
    image = pytest.importorskip("PIL.Image")
    from io import BytesIO

    with image.open(BytesIO(png([bytes(range(6)), bytes(6)], 2, 3))) as opened:
        assert (opened.mode, opened.size) == ("RGB", (2, 2))
        assert opened.getpixel((1, 0)) == (3, 4, 5)


def test_values_go_from_black_to_white():
    grey, colour = pictures(drawing_of().image)
    assert embedded(grey) == (3, 2, 0, bytes([0, 255, 128, 51, 102, 153]))
    assert embedded(colour) == (2, 1, 2, bytes([255, 0, 0, 0, 0, 255]))


def test_values_outside_the_scale_are_drawn_at_its_ends_and_told():
    drawing = drawing_of(names=("a",), images=(((-1.0, 1.0, 2.0, 3.0, 9.0),),), low=1.0, high=3.0)
    assert embedded(pictures(drawing.image)[0])[3] == bytes([0, 0, 128, 255, 255])
    assert drawing.remark == ("1 value below 1.00 drawn as 1.00. 1 value above 3.00 drawn as 3.00.")
    assert drawing_of().remark == ""


def test_images_keep_their_shape_side_by_side_on_one_ground():
    # Two share the width: 156 for each, of which at most 150 are used.
    grey, colour = pictures(drawing_of().image)
    sides = [
        tuple(float(e.get(k, "")) for k in ("x", "y", "width", "height")) for e in (grey, colour)
    ]
    assert sides == [(0.0, 4.0, 150.0, 100.0), (164.0, 29.0, 150.0, 75.0)]
    assert all(e.get("preserveAspectRatio") == "none" for e in (grey, colour))


def test_four_stand_in_a_row_and_the_fifth_below_them():
    drawing = drawing_of(names=tuple("abcde"), images=(((0.5,),),) * 5)
    tops = [e.get("y") for e in pictures(drawing.image)]
    assert tops == ["4", "4", "4", "4", "96"]  # 4 + 74 high + 18 for the name
    assert texts(drawing.image)[:5] == list("abcde")


def test_the_scale_is_stated():
    assert "rate, black: 0, white: 1.00" in texts(drawing_of().image)
    assert "black: −1.00, white: 1.00" in texts(drawing_of(scale_label="", low=-1.0).image)


def test_every_image_is_told_in_words_and_numbers():
    drawing = drawing_of()
    assert ElementTree.fromstring(drawing.image).findtext("desc") == (
        "rate, black: 0, white: 1.00. grey: 2 × 3 pixels, from 0 to 1.00, mean 0.450. "
        "colour: 1 × 2 pixels, from 0 to 1.00, mean 0.333."
    )
    assert drawing.numbers is not None
    ((_, rows),) = drawing.numbers.groups
    assert [(row.name, *(cell.mean for cell in row.cells)) for row in rows] == [
        ("grey", "0.00", "0.45", "1.00"), ("colour", "0.00", "0.33", "1.00"),
    ]  # fmt: skip


def test_no_images_are_said_to_be_none():
    assert "no data" in texts(drawing_of(names=(), images=()).image)


def test_hostile_names_stay_text(hostile_text):
    image = drawing_of(
        names=(hostile_text, "b"), scale_label=hostile_text, title=hostile_text
    ).image
    assert {e.tag for e in ElementTree.fromstring(image).iter()} == {
        "svg", "title", "desc", "text", "image",
    }  # fmt: skip


@given(
    value=st.floats(allow_nan=False, allow_infinity=False),
    ends=st.tuples(
        st.floats(allow_nan=False, allow_infinity=False),
        st.floats(allow_nan=False, allow_infinity=False),
    ).filter(lambda ends: ends[0] < ends[1]),
)
def test_every_value_is_a_byte_and_the_ends_are_black_and_white(value, ends):
    low, high = ends
    (row,), channels = images.pixels(((value, low, high),), low, high)
    assert channels == 1
    assert row[1:] == bytes([0, 255])
    assert (row[0] == 0) if value <= low else (row[0] == 255) if value >= high else True
