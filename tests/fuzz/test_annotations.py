"""Hostile annotations of COCO: refused by one message, or drawn at the size that they say."""

from hostile.outcome import Refused, outcome
from hostile.plan import fuzz
from hostile.texts import json_bytes

from vos_bench.datasets.coco import Coco

TREE = {
    "images": [{"id": 1, "file_name": "a.jpg", "height": 8, "width": 9}],
    "annotations": [
        {"id": 1, "image_id": 1, "segmentation": [[0, 0, 5, 0, 5, 5]]},
        {"id": 2, "image_id": 1, "segmentation": {"counts": [10, 12, 50], "size": [8, 9]}},
    ],
}


@fuzz("annotations", json_bytes(TREE))
def test_hostile_annotations_are_refused_or_drawn(arena, data: bytes) -> None:
    path = arena.inside / "annotations" / "instances_train2014.json"
    path.parent.mkdir()
    path.write_bytes(data)
    opened = outcome(lambda: Coco(arena.inside), path)
    if isinstance(opened, Refused):
        return
    outcome(opened.check, arena.inside)
    for name in opened.sequence_names:
        sequence = opened.sequence(name)
        for frame in sequence.frame_names:
            outcome(lambda sequence=sequence, frame=frame: sequence.read_frame(frame), arena.inside)
            labels = outcome(lambda sequence=sequence, frame=frame: sequence.read_truth(frame), arena.inside, "coco")
            assert isinstance(labels, Refused) or {*labels.ravel().tolist()} <= {0, 1}
