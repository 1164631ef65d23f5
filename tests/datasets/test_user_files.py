"""Files that people bring in place of JPEG frames and plain label maps: what they are, and what to do with them."""

import io

import cv2
import numpy as np
import pytest
from PIL import Image

from vos_bench.cli import main
from vos_bench.datasets.folder import Folder
from vos_bench.datasets.frames import FAINT_NOTE, order_problem
from vos_bench.errors import BadInputError
from vos_bench.exporting import export
from vos_bench.formats.mask_mistakes import background_problem, void_problem
from vos_bench.importing import import_masks
from vos_bench.labelmaps import PARTIAL_NOTE, VOID_NOTE, WHITE_NOTE, read_label_map
from vos_bench.names import renaming

Y, X = np.mgrid[:64, :96]
DISK = ((Y - 30) ** 2 + (X - 40) ** 2) < 200


def build(root, labels, *, frames=4, name="cat"):
    """Write frames, and label maps by frame number."""
    for folder in ("JPEGImages", "Annotations"):
        (root / folder / name).mkdir(parents=True)
    for number in range(frames):
        image = np.random.default_rng(number).integers(0, 256, (64, 96, 3)).astype(np.uint8)
        Image.fromarray(image).save(root / f"JPEGImages/{name}/{number:05d}.jpg")
    for number, each in labels.items():
        Image.fromarray(each.astype(np.uint8)).save(root / f"Annotations/{name}/{number:05d}.png")
    return root


def the_problem(root):
    (problem,) = Folder(root).check()
    return problem


@pytest.mark.parametrize(
    ("suffix", "found", "remedy"),
    [
        (".webp", "4 files like 00000.webp (.webp)", "convert the frames to JPEG or PNG"),
        (".tif", "4 files like 00000.tif (.tif)", "convert the frames to JPEG or PNG"),
        (".mp4", "the video 00000.mp4", "ffmpeg -i 00000.mp4"),
    ],
)
def test_other_files_in_the_place_of_frames(tmp_path, suffix, found, remedy):
    root = build(tmp_path, {0: DISK})
    for path in sorted((root / "JPEGImages/cat").iterdir()):
        path.rename(path.with_suffix(suffix))
    problem = the_problem(root)
    assert problem.found == found
    assert remedy in problem.remedy
    assert "again" not in problem.remedy


def test_a_video_in_the_place_of_folders(tmp_path):
    root = build(tmp_path, {0: DISK})
    for path in sorted((root / "JPEGImages/cat").iterdir()):
        path.unlink()
    (root / "JPEGImages/cat").rmdir()
    (root / "JPEGImages/cat.MP4").write_bytes(b"")
    with pytest.raises(BadInputError, match=r"(?s)the video cat\.MP4\n.*ffmpeg"):
        Folder(root)


@pytest.mark.parametrize(("suffix", "remedy"), [(".jpg", "JPEG blurs"), (".bmp", "keeps the ids"), (".tif", "to PNG")])
def test_label_maps_in_other_files(tmp_path, suffix, remedy):
    root = build(tmp_path, {0: DISK})
    path = root / "Annotations/cat/00000.png"
    Image.open(path).save(path.with_suffix(suffix))
    path.unlink()
    assert remedy in the_problem(root).remedy


def test_numbers_behind_a_word_are_padded_where_they_stand(tmp_path):
    problem = order_problem(tmp_path, [f"v2_frame_{k}" for k in range(1, 13)])
    assert problem.remedy == "rename frames and label maps alike: v2_frame_1 becomes v2_frame_01"


@pytest.mark.parametrize(
    ("found", "wanted", "advice"),
    [
        (["a_mask", "b_mask"], ["a", "b", "c"], "rename a_mask to a (all end with '_mask')"),
        (["mask_00", "mask_01"], ["00", "01"], "rename mask_00 to 00 (all begin with 'mask_')"),
        (["x-0-y", "x-1-y"], ["0", "1"], "rename x-0-y to 0 (all begin with 'x-' and all end with '-y')"),
        (["Cat"], ["cat", "dog"], "rename Cat to cat (they differ in capitals)"),
        (["1", "2"], ["00001", "00002"], "rename 1 to 00001 (pad both names with as many zeros)"),
        (["a_mask", "b"], ["a", "c"], ""),
        ([], ["a"], ""),
        (["z"], [], ""),
    ],
)
def test_how_names_differ_is_seen(found, wanted, advice):
    assert renaming(found, wanted) == advice


@pytest.mark.parametrize("bits", [2, 4])
def test_grey_of_few_bits_has_the_ids_of_the_file(tmp_path, bits):
    rows = ["".join(f"{value:0{bits}b}" for value in row) for row in ((0, 1, 2, 3), (3, 3, 0, 0))]
    data = b"".join(b"\0" + int(row, 2).to_bytes(4 * bits // 8, "big") for row in rows)
    import struct
    import zlib

    def chunk(kind, content):
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = struct.pack(">IIBBBBB", 4, 2, bits, 0, 0, 0, 0)
    path = tmp_path / "x.png"
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(data)) + chunk(b"IEND", b"")
    )
    assert read_label_map(path).tolist() == [[0, 1, 2, 3], [3, 3, 0, 0]]


def test_12_bits_in_16_are_noted(tmp_path):
    root = build(tmp_path, {0: DISK})
    for path in sorted((root / "JPEGImages/cat").iterdir()):
        path.unlink()
        cv2.imwrite(str(path.with_suffix(".png")), np.full((64, 96, 3), 4000, np.uint16))
    assert Folder(root).sequence("cat").notes == {FAINT_NOTE: "up to 4000"}


def test_a_partial_truth_is_noted(tmp_path):
    root = build(tmp_path, {0: DISK, 1: np.roll(DISK, 3, 1), 3: DISK})
    assert Folder(root).sequence("cat").notes == {PARTIAL_NOTE: "3 of 4 frames have one"}


def test_a_white_mask_beside_label_maps_of_object_1_is_object_1(tmp_path):
    root = build(tmp_path, {0: DISK, 1: DISK * 255, 2: DISK, 3: DISK * 255})
    sequence = Folder(root).sequence("cat")
    assert sequence.read_truth("00001").max() == 1
    assert WHITE_NOTE in sequence.notes


def test_a_rim_of_255_is_void_and_no_question(tmp_path):
    rim = np.where(DISK, 1, np.where(np.roll(DISK, 2, 0), 255, 0))
    root = build(tmp_path, {0: rim, 1: rim, 2: rim, 3: rim})
    assert Folder(root).check() == []
    assert Folder(root).sequence("cat").notes == {VOID_NOTE: "4 of 4 label maps"}
    assert void_problem(tmp_path, rim.astype(np.uint16), 1) is None


@pytest.mark.parametrize("labels", [np.where(DISK, 1, 2), np.where(DISK, 0, 255), np.where(DISK, 0, 1)])
def test_a_background_that_is_not_0_is_found(tmp_path, labels):
    assert "0 as the background" in background_problem(tmp_path, labels.astype(np.uint8)).expected


@pytest.mark.parametrize("labels", [DISK * 1, np.ones((64, 96)), np.where(Y < 50, 1, 0)])
def test_objects_at_the_edge_are_no_background(tmp_path, labels):
    assert background_problem(tmp_path, labels.astype(np.uint8)) is None


def test_a_turned_frame_and_an_unturned_mask(tmp_path):
    root = build(tmp_path, {0: DISK})
    for path in sorted((root / "JPEGImages/cat").iterdir()):
        exif, buffer = Image.Exif(), io.BytesIO()
        exif[0x0112] = 8
        Image.open(path).save(buffer, "JPEG", exif=exif)
        path.write_bytes(buffer.getvalue())
    assert "before it was turned" in the_problem(root).remedy


def test_one_turned_frame_among_others_is_found(tmp_path):
    root = tmp_path
    for folder in ("JPEGImages", "Annotations"):
        (root / folder / "cat").mkdir(parents=True)
    for number in range(4):
        exif = Image.Exif()
        if number == 2:
            exif[0x0112] = 6
        image = np.random.default_rng(number).integers(0, 256, (64, 64, 3)).astype(np.uint8)
        Image.fromarray(image).save(root / f"JPEGImages/cat/{number:05d}.jpg", exif=exif)
        Image.fromarray(DISK[:, :64].astype(np.uint8)).save(root / f"Annotations/cat/{number:05d}.png")
    problem = the_problem(root)
    assert problem.path.name == "00002.jpg"
    assert "orientation 6" in problem.found


def test_a_file_for_each_object_of_a_frame_is_no_label_map_too_many(tmp_path):
    root = build(tmp_path, {})
    for number in range(4):
        for k, mask in (("1", DISK), ("2", ~DISK)):
            Image.fromarray(mask.astype(np.uint8)).save(root / f"Annotations/cat/{number:05d}_{k}.png")
    remedy = the_problem(root).remedy
    assert "00000_1, 00000_2 seem to be of the one frame 00000" in remedy
    assert "remove" not in remedy


def test_folders_of_objects_above_the_sequences_are_no_resolutions(tmp_path):
    root = build(tmp_path, {})
    (root / "Annotations/cat").rmdir()
    for k in ("obj1", "obj2"):
        (root / f"Annotations/{k}/cat").mkdir(parents=True)
        Image.fromarray(DISK.astype(np.uint8)).save(root / f"Annotations/{k}/cat/00000.png")
    with pytest.raises(BadInputError, match="all of them hold cat: if each is an object, merge"):
        Folder(root)


def test_white_in_16_bits_is_no_id(tmp_path):
    root = build(tmp_path, {})
    for number in range(4):
        Image.fromarray(DISK.astype(np.uint16) * 65535).save(root / f"Annotations/cat/{number:05d}.png")
    problem = the_problem(root)
    assert problem.found == "65535 alone, which is white in 16 bits"
    with pytest.raises(BadInputError, match="save it with 8 bits"):
        import_masks(root, "davis", out=tmp_path / "made")


LEFTOVERS = ("__MACOSX", "@eaDir", "lost+found", "$RECYCLE.BIN", ".ipynb_checkpoints")


def leave(root):
    """Put beside data what archivers, file managers and notebooks leave there."""
    for folder in [root, *(path for path in root.rglob("*") if path.is_dir())]:
        for name in LEFTOVERS:
            (folder / name / "cat").mkdir(parents=True)
            (folder / name / "cat/00000.png").write_bytes(b"mine")
        for name in ("Thumbs.db", "desktop.ini", ".DS_Store", "._00000.png", "._00000.jpg"):
            (folder / name).write_bytes(b"mine")


def test_what_programs_leave_beside_data_is_no_data(tmp_path):
    root = build(tmp_path / "data", {0: DISK, 1: DISK, 2: DISK, 3: DISK})
    leave(root)
    folder = Folder(root)
    assert folder.sequence_names == ("cat",)
    assert list(folder.check()) == []
    masks = root / "Annotations"
    assert main(["score", str(masks), "--truth", str(masks), "--out", str(tmp_path / "scored")]) == 0
    for form in ("coco", "youtube-vis", "mot", "per-object"):
        (path, *_) = export(masks, form, out=tmp_path / form)
        assert path.exists()
    assert import_masks(masks, "davis", out=tmp_path / "made").frames == {"cat": 4}
    assert import_masks(root, "davis", out=tmp_path / "again").frames == {"cat": 4}


def test_what_programs_leave_beside_an_export_is_none_of_it(tmp_path):
    build(tmp_path / "data", {0: DISK, 1: DISK, 2: DISK, 3: DISK})
    masks = tmp_path / "data/Annotations"
    for form, back in (("per-object", "sav"), ("mot", "mots"), ("coco", "coco")):
        export(masks, form, out=tmp_path / form)
        leave(tmp_path / form)
        assert import_masks(tmp_path / form, back, out=tmp_path / f"{form}-back").frames == {"cat": 4}


@pytest.mark.parametrize("form", ["coco", "davis"])
def test_nothing_is_exported_into_a_folder_of_data(tmp_path, form):
    root = build(tmp_path, {0: DISK})
    before = sorted(root.rglob("*"))
    assert main(["export", str(root / "Annotations"), "--format", form]) == 2
    assert sorted(root.rglob("*")) == before
