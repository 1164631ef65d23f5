#!/bin/sh
# vot-toolkit 0.9.0 (with vot-trax 4.0.2, Python 3.11): three things about its real-time experiment.
# 1. The wrapper that simulates real time, vot.tracker.RealtimeTrackerRuntime, has no `run`. UnsupervisedExperiment.execute
#    calls nothing else, so that the stacks with `realtime:` (vots2025/realtime.yaml among them) end with
#    NotImplementedError on the first sequence. The same tracker without the wrapper runs.
# 2. `grace` is described as a period in seconds, and counts slow frames.
# 3. A frame is skipped only where the tracker is behind by more than one interval, and less than that is forgiven: a
#    tracker at half the frame rate skips nothing, one at a third every second frame.
# Besides, attributee 0.1.10, which it needs, takes typing.dataclass_transform for a decorator of a class, so that neither can
# be imported on Python 3.11 or later; the script hides that name from it.
# Output seen: "run: wrapped NotImplementedError, bare 12 times", "grace 3: 3 frames of 60 s forgiven, then skipped 8",
# and "skipped of 11 at 2.0, 2.1, 3.0, 3.1 intervals a frame: 0 6 6 8".
# `vos-bench run --real-time` follows 3 and calls 2 frames.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet vot-toolkit==0.9.0 vot-trax==4.0.2 attributee==0.1.10
cat > "$folder/try.py" <<'CODE'
import typing

del typing.dataclass_transform  # attributee then takes its own way, for Python before 3.11

from vot.dataset import Frame
from vot.region import Special
from vot.tracker import ObjectQuery, ObjectStatus, OnlineTrackerRuntime, RealtimeTrackerRuntime


class Fixed(OnlineTrackerRuntime):
    """A tracker that takes the same time for every frame, by its own report."""

    def __init__(self, seconds):
        super().__init__(None)
        self.seconds, self.seen = seconds, 0

    def stop(self):
        pass

    def restart(self):
        pass

    def initialize(self, frame, new=None):
        return self.update(frame, new)

    def update(self, frame, new=None):
        self.seen += 1
        return [ObjectStatus(Special(1), {})], self.seconds


FRAMES = [Frame(None, i) for i in range(12)]


def skipped(seconds, grace=0, interval=1.0):
    tracker = Fixed(seconds)
    wrapped = RealtimeTrackerRuntime(tracker, grace, interval)
    wrapped.initialize(FRAMES[0], [])
    for frame in FRAMES[1:]:
        wrapped.update(frame)
    return len(FRAMES) - tracker.seen


query = [ObjectQuery(Special(1), {}, 0)]
bare = Fixed(0.1)
bare.run(FRAMES, query)
try:
    RealtimeTrackerRuntime(Fixed(0.1), 0, 1.0).run(FRAMES, query)
    raised = "nothing"
except NotImplementedError:
    raised = "NotImplementedError"
print(f"run: wrapped {raised}, bare {bare.seen} times")
print(f"grace 3: 3 frames of 60 s forgiven, then skipped {skipped(60.0, grace=3)}")
print("skipped of 11 at 2.0, 2.1, 3.0, 3.1 intervals a frame:", *map(skipped, (2.0, 2.1, 3.0, 3.1)))
CODE
"$folder/env/bin/python" "$folder/try.py" 2>/dev/null > "$folder/output"
cat "$folder/output"
grep -qx "run: wrapped NotImplementedError, bare 12 times" "$folder/output"
grep -qx "grace 3: 3 frames of 60 s forgiven, then skipped 8" "$folder/output"
grep -qx "skipped of 11 at 2.0, 2.1, 3.0, 3.1 intervals a frame: 0 6 6 8" "$folder/output"
