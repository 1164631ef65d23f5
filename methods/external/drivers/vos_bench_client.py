"""The other end of `vos-bench run external`: copy it beside your script; it needs Python 3.8 and NumPy, no more.

`serve(build)` calls `build(hello)` once and then, for each frame, `start` (a sequence begins) or `step` of what it
returned, with the image (H x W x 3, uint8, RGB), the label map of objects that start on this frame (H x W, zero where
none does) and the boxes of those that start from one ({id: (x0, y0, x1, y1)}). Both return a label map of all objects,
whole numbers. The arrays are yours to change.
"""

import json
import os
import sys
import time

import numpy as np

MARK = b"@vos-bench "


def serve(build):
    """Answer frames until the input ends."""
    source, sink = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what is printed by mistake goes to the log
    system = None
    for line in iter(source.readline, b""):
        header = json.loads(line[len(MARK) :])
        if header["message"] == "hello":
            system = build(header)
            answer, labels = {"ready": header["version"]}, b""
        else:
            size = header["height"], header["width"]
            image = np.frombuffer(bytearray(source.read(size[0] * size[1] * 3)), np.uint8).reshape(*size, 3)
            new = np.zeros(size, np.uint16)
            if header["masks"]:
                new = np.frombuffer(bytearray(source.read(size[0] * size[1] * 2)), "<u2").reshape(size)
            boxes = {int(k): tuple(box) for k, box in header["boxes"].items()}
            began = time.perf_counter()
            labels = (system.start if header["first"] else system.step)(image, new, boxes)
            answer = {"frame": header["frame"], "milliseconds": 1000 * (time.perf_counter() - began), "type": "uint16"}
            labels = checked(labels)
            answer["height"], answer["width"] = labels.shape
        sink.write(MARK + json.dumps(answer).encode() + b"\n" + bytes(labels))
        sink.flush()


def checked(labels):
    """Return a label map as it is sent; refuse what would be another one then."""
    labels = np.asarray(labels)
    kind, span = labels.dtype.kind, ""
    if labels.size and kind in "biuf":
        span = f" from {labels.min()} to {labels.max()}"
    if kind not in "biu" or labels.ndim != 2 or (labels.size and (labels.min() < 0 or labels.max() > 65535)):
        raise ValueError(
            f"the label map is {labels.dtype} of shape {labels.shape}{span}; expected height x width whole numbers"
            " (bool, int, uint) from 0 to 65535"
        )
    return np.ascontiguousarray(labels, "<u2")


class Still:
    """An example of a system: every object stays where it started."""

    def start(self, image, new, boxes):
        """Begin a sequence with its first frame."""
        self.labels = np.zeros(image.shape[:2], np.uint16)
        return self.step(image, new, boxes)

    def step(self, image, new, boxes):
        """Answer the next frame, whatever it shows."""
        for k, (x0, y0, x1, y1) in boxes.items():
            self.labels[max(0, int(y0)) : max(0, int(y1)), max(0, int(x0)) : max(0, int(x1))] = k
        self.labels[new > 0] = new[new > 0]
        return self.labels


if __name__ == "__main__":
    serve(lambda hello: Still())
