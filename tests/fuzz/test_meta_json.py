"""Hostile `meta.json`: refused by one message, or read as another reader of JSON reads it."""

import json
from typing import Any

from hostile.outcome import Refused, outcome
from hostile.plan import fuzz
from hostile.texts import json_bytes

from vos_bench.formats.meta_json import read_meta, training_categories

TREE = {
    "videos": {
        "one": {
            "objects": {
                "1": {"category": "person", "frames": ["00000", "00005"]},
                "3": {"category": "cat_unseen", "frames": ["00005"]},
            }
        },
        "two": {"objects": {"2": {"category": "dog", "frames": ["00000"]}}},
    }
}


def each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    assert len({key for key, _ in pairs}) == len(pairs), f"a key twice: {pairs}"
    return dict(pairs)


@fuzz("meta.json", json_bytes(TREE))
def test_a_hostile_list_of_objects_is_refused_or_read_rightly(arena, data: bytes) -> None:
    path = arena.inside / "valid" / "meta.json"
    path.parent.mkdir()
    path.write_bytes(data)
    found = outcome(lambda: read_meta(path), path)
    near = path.parent.parent / "train" / "meta.json"
    near.parent.mkdir()
    near.write_bytes(data)
    outcome(lambda: training_categories(path), near)
    if isinstance(found, Refused):
        assert data != json.dumps(TREE).encode()
        return
    expected = json.loads(data, object_pairs_hook=each_once)["videos"]
    assert found.videos.keys() == expected.keys()
    for name, video in found.videos.items():
        objects = expected[name]["objects"]
        assert [str(k) for k in video.objects] == list(objects), "an id is not as it was written"
        for k, listed in video.objects.items():
            assert listed.frames == tuple(objects[str(k)].get("frames", ()))
            assert listed.category == objects[str(k)].get("category", "")
    groups = found.groups()
    assert groups == {} or groups.keys() == found.videos.keys()
