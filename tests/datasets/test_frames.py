import cv2
import numpy as np
import pytest
from PIL import Image

from vos_bench.datasets.frames import file_damage, image_size, list_images, order_problem, read_image
from vos_bench.errors import BadInputError

PIXELS = np.random.default_rng(3).integers(0, 256, (20, 30, 3), dtype=np.uint8)


@pytest.mark.parametrize("suffix", ["png", "bmp"])
def test_channels_are_red_green_blue(tmp_path, suffix):
    path = tmp_path / f"frame.{suffix}"
    Image.fromarray(PIXELS).save(path)
    np.testing.assert_array_equal(read_image(path), PIXELS)


def test_a_grey_image_gets_three_channels_and_alpha_is_dropped(tmp_path):
    Image.fromarray(PIXELS[..., 0]).save(tmp_path / "grey.png")
    Image.fromarray(PIXELS).convert("RGBA").save(tmp_path / "alpha.png")
    np.testing.assert_array_equal(read_image(tmp_path / "grey.png"), np.dstack([PIXELS[..., 0]] * 3))
    np.testing.assert_array_equal(read_image(tmp_path / "alpha.png"), PIXELS)


def test_an_image_turned_by_its_camera_has_the_size_that_is_read(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(PIXELS).save(tmp_path / "turned.jpg", exif=exif)
    assert read_image(tmp_path / "turned.jpg").shape[:2] == image_size(tmp_path / "turned.jpg") == (30, 20)


@pytest.mark.parametrize("suffix", ["jpg", "png", "bmp"])
@pytest.mark.parametrize("kept", [0.05, 0.5, 0.97])
def test_an_image_that_is_cut_off_is_never_half_decoded(tmp_path, suffix, kept):
    path = tmp_path / f"frame.{suffix}"
    Image.fromarray(PIXELS).save(path)
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * kept)])
    with pytest.raises(BadInputError, match=r"cut off|neither"):
        read_image(path)


def test_a_bmp_that_ends_within_its_size_is_cut_off(tmp_path):
    path = tmp_path / "frame.bmp"
    path.write_bytes(b"BM\1")
    assert "cut off" in (file_damage(path) or "")


def test_an_image_with_a_damaged_middle_is_refused(tmp_path):
    path = tmp_path / "frame.png"
    Image.fromarray(PIXELS).save(path)
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0xFF
    path.write_bytes(data)
    with pytest.raises(BadInputError, match="cannot be decoded"):
        read_image(path)


def test_what_a_camera_appends_after_a_jpeg_does_no_harm(tmp_path):
    path = tmp_path / "frame.jpg"
    Image.fromarray(PIXELS).save(path)
    path.write_bytes(path.read_bytes() + bytes(100))
    assert read_image(path).shape == (20, 30, 3)


@pytest.mark.parametrize(("content", "words"), [(b"", "an empty file"), (b"GIF89a....", "neither a JPEG nor a PNG")])
def test_other_files_are_refused(tmp_path, content, words):
    (tmp_path / "frame.jpg").write_bytes(content)
    with pytest.raises(BadInputError, match=words):
        read_image(tmp_path / "frame.jpg")


def test_a_missing_frame_is_refused(tmp_path):
    with pytest.raises(BadInputError, match="cannot be read"):
        read_image(tmp_path / "frame.jpg")


@pytest.mark.parametrize("names", [["1", "2", "3"], ["00009", "00010"], ["a1", "b1"], ["frame_01", "frame_10"], []])
def test_names_whose_order_is_clear(tmp_path, names):
    assert order_problem(tmp_path, names) is None


@pytest.mark.parametrize("names", [["1", "2", "10"], ["f9", "f10"], ["img-8-x", "img-12-x"]])
def test_names_whose_order_is_unclear(tmp_path, names):
    assert order_problem(tmp_path, names) is not None


@pytest.mark.filterwarnings("ignore:Image size")
@pytest.mark.parametrize(("height", "width"), [(60_000, 60_000), (9000, 9000), (12_000, 10_000)])
def test_a_frame_that_claims_to_be_huge_is_refused(tmp_path, height, width):
    path = tmp_path / "frame.jpg"
    cv2.imwrite(str(path), np.zeros((8, 8, 3), np.uint8))
    data = path.read_bytes()
    at = data.find(b"\xff\xc0") + 5
    path.write_bytes(data[:at] + height.to_bytes(2, "big") + width.to_bytes(2, "big") + data[at + 4 :])
    for read in (read_image, image_size):
        with pytest.raises(BadInputError, match=rf"frame\.jpg: found .*({height} x {width} pixels|exceeds limit)"):
            read(path)


def test_a_name_with_control_characters_is_no_frames(tmp_path):
    (tmp_path / "a\nb.jpg").write_bytes(b"")
    with pytest.raises(BadInputError, match=r"found the name 'a\\nb'"):
        list_images(tmp_path)
