"""Memory does not grow with the length of a video."""

from pathlib import Path
from types import ModuleType

import pytest

from vos_bench.progress import Progress
from vos_bench.running.run import RunSettings, run_method

STATM = Path("/proc/self/statm")
LENGTH = 2000


class Watching(Progress):
    """Notes the resident memory, in MiB, at every hundredth frame."""

    def __init__(self) -> None:
        self.frames = 0
        self.resident: list[float] = []

    def frame_done(self, name: str) -> None:  # noqa: ARG002
        self.frames += 1
        if self.frames % 100 == 0:
            self.resident.append(int(STATM.read_text("ascii").split()[1]) * 4096 / 2**20)


@pytest.mark.skipif(not STATM.exists(), reason="reads the resident memory as Linux tells it")
@pytest.mark.parametrize("method", ["Drift", "Lazy"])
def test_two_thousand_frames_stay_within_fifty_mib(fake_vos: ModuleType, tmp_path: Path, method: str):
    size = (120, 160)  # kept, the images alone would be 110 MiB, the label maps 73 MiB
    specs = {"long": fake_vos.Spec(length=LENGTH, size=size, truth=False, outputs=range(0, LENGTH, 2))}
    watching = Watching()
    settings = RunSettings(
        method=fake_vos.info(method), dataset=fake_vos.FakeDataset(specs), out=tmp_path / "out", device="cpu"
    )
    record = run_method(settings, progress=watching).record
    assert record.status == "complete"
    assert watching.frames == LENGTH
    warm = max(watching.resident[:3])  # what is loaded or set aside at the first frames does not grow with the others
    assert max(watching.resident) - warm < 50
