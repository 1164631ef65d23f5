"""Made-up methods that cost their worker, and a run of one: fake_workers.py OUT FACTORY ENGINE."""

# ruff: noqa: ARG002

import os
import sys
import time
from pathlib import Path

import fake_vos

from vos_bench.api import Image, Prediction, Prompt
from vos_bench.clusters import LOCAL, Cluster, parse_cluster
from vos_bench.plugins import MethodInfo
from vos_bench.running.run import RunSettings, run_method


def mark(name: str) -> Path:
    """Return a file that tells what has happened, for those who look from other processes."""
    return Path(os.environ["FAKE_MARK"] + name)


def first_time() -> bool:
    """Return True once, whoever asks."""
    try:
        mark("once").touch(exist_ok=False)
    except FileExistsError:
        return False
    return True


class Hangs(fake_vos.Sick):
    """Comes to no end."""

    def fault(self, image: Image) -> Prediction:
        while True:
            time.sleep(0.05)


class HangsOnce(Hangs):
    """Likewise, but not when tried again."""

    def fault(self, image: Image) -> Prediction:
        return super().fault(image) if first_time() else Prediction(self.labels)


class LosesTheGpuOnce(fake_vos.LosesTheGpu):
    """Once it failed the GPU answers this process no more; another one may use it."""

    def fault(self, image: Image) -> Prediction:
        return super().fault(image) if first_time() else Prediction(self.labels)


class TellsWho(fake_vos.Drift):
    """Waits on its third frame until it may go on, and says of which process it is."""

    def initialize(self, image: Image, prompt: Prompt) -> Prediction:
        self.frames = 0
        return super().initialize(image, prompt)

    def answer(self, image: Image) -> Prediction:
        self.frames += 1
        if self.frames == 3 and not mark("go").exists():
            mark(f"waiting-{os.getpid()}").touch()
            while not mark("go").exists():
                time.sleep(0.02)
        return Prediction(self.labels)


def info(factory: str) -> MethodInfo:
    """Describe a method by a name that is always the same, so that runs of several can go on in one folder."""
    prompts = frozenset({"mask", "box"})
    return MethodInfo(name="fake", summary="", factory=factory, prompts=prompts, licence="MIT")


def settings(out: Path, factory: str, engine: Cluster = LOCAL, stall: float | None = None) -> RunSettings:
    """Return a run of six sequences, of which the second is sick."""
    sick = {"b": "sick"}
    specs = {name: fake_vos.Spec(length=8, starts={1: 0, 300: 2}, fault=sick.get(name, "")) for name in "abcdef"}
    return RunSettings(
        method=info(factory),
        dataset=fake_vos.FakeDataset(specs),
        out=out,
        jobs=3,
        engine=engine,
        stall=stall,
        device="cpu",
    )


if __name__ == "__main__":
    folder, factory, engine = sys.argv[1:]
    sys.exit(run_method(settings(Path(folder), factory, parse_cluster(engine))).record.status != "complete")
