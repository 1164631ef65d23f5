"""Hostile lists of MOSEv2, LVOS, SA-V and BURST: refused by one message, or read as another reader reads them."""

import json

from hostile.outcome import Refused, outcome
from hostile.plan import fuzz
from hostile.texts import json_bytes

from vos_bench.datasets.masklets import MaskletFile, read_masklets
from vos_bench.datasets.meta_lists import LvosMeta, MoseMeta, read_list
from vos_bench.formats.tracks_json import TrackFile, read_tracks

MOSE = {"videos": {"one": {"objects": [1, 2], "length": 3, "height": 4, "width": 5}}}
LVOS = {"videos": {"one": {"objects": {"3": {"frame_range": {"start": "00000001", "end": 31, "frame_nums": "6"}}}}}}
TRACKS = {
    "split": "val",
    "sequences": [
        {
            "width": 4,
            "height": 3,
            "seq_name": "a",
            "dataset": "AVA",
            "annotated_image_paths": ["1.jpg"],
            "track_category_ids": {"1": 5},
            "segmentations": [{"1": {"rle": "0<"}}],
        }
    ],
}
MASKLETS = {"masklet": [[{"size": [3, 4], "counts": "0<"}, None]]}


@fuzz("lists of objects", json_bytes(MOSE), share=0.25)
def test_a_hostile_list_of_mose_is_refused_or_read_rightly(arena, data: bytes) -> None:
    path = arena.inside / "meta_valid.json"
    path.write_bytes(data)
    found = outcome(lambda: read_list(path, MoseMeta, expected="a list"), path)
    if not isinstance(found, Refused):
        assert found.videos.keys() == json.loads(data)["videos"].keys()


@fuzz("lists of objects", json_bytes(LVOS), share=0.25)
def test_a_hostile_list_of_lvos_is_refused_or_read_rightly(arena, data: bytes) -> None:
    path = arena.inside / "valid_meta.json"
    path.write_bytes(data)
    found = outcome(lambda: read_list(path, LvosMeta, expected="a list"), path)
    if isinstance(found, Refused):
        return
    for name, video in json.loads(data)["videos"].items():
        assert [str(k) for k in found.videos[name].objects] == list(video["objects"])


@fuzz("lists of objects", json_bytes(TRACKS), share=0.25)
def test_a_hostile_file_of_tracks_is_refused_or_read(arena, data: bytes) -> None:
    path = arena.inside / "all_classes.json"
    path.write_bytes(data)
    found = outcome(lambda: read_tracks(path), path)
    assert isinstance(found, (Refused, TrackFile))


@fuzz("lists of objects", json_bytes(MASKLETS), share=0.25)
def test_a_hostile_file_of_masklets_is_refused_or_read(arena, data: bytes) -> None:
    path = arena.inside / "one_manual.json"
    path.write_bytes(data)
    read_masklets.cache_clear()
    found = outcome(lambda: read_masklets(path), path)
    assert isinstance(found, (Refused, MaskletFile))
