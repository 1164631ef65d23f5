"""All that decides a run."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, Self

from vos_bench.api import Dataset, FramesSeen, Parameters, Precision, PromptKind, ProtocolName
from vos_bench.engines import LOCAL, Engine
from vos_bench.plugins import MethodInfo
from vos_bench.records import AblationEntry
from vos_bench.timing import Clock
from vos_bench.weights import ChosenWeights

Overwrite = Literal["only-missing", "always", "never"]


@dataclass(frozen=True)
class RunSettings:
    """All that decides a run.

    Attributes:
        method: What to run.
        dataset: On what.
        overrides: `--set` arguments, each `a.b=value`.
        weights: The file of parameters, or `untrained`.
        weights_name: What it is called in public; the file's name when empty.
        weights_licence: Licence of the parameters.
        sequences: Which sequences; None for all.
        init: What the objects start from.
        frames: Whether the method sees all frames or only the annotated ones.
        protocol: How to score; None for the dataset's own.
        seed: The run's seed.
        device: `auto`, or a torch device name.
        amp: Precision of the network.
        compile: Whether the method should compile its network.
        jobs: How many sequences run at once. With more than one, each has a worker process, of which the i-th of a
            machine uses GPU i modulo the number of GPUs, and no FPS is given. None for one, and for all places of a
            cluster.
        engine: Who hands the sequences out: this process, or a cluster.
        stall: After how many seconds without a frame a sequence is broken off and started again; None for never.
        shard: (I, N) for the I-th of N parts of the sequences, I from 1; None for all.
        overwrite: What to do about sequences that were finished before: leave them, run them again, or refuse.
        save_probabilities: Whether to keep what the method gives under `probabilities/`.
        timing: Read frames when they are needed, not ahead, so that nothing runs beside the method.
        clock: Wall time of each call, or the GPU's own clock.
        out: The run's folder; None for `runs/DATASET/METHOD/CONFIG8`.
        command: The command line as passed, for the record.
        ablation: Of which ablation the run is a part.
    """

    method: MethodInfo
    dataset: Dataset
    overrides: tuple[str, ...] = ()
    weights: Parameters | None = None
    weights_name: str = ""
    weights_licence: str = ""
    sequences: tuple[str, ...] | None = None
    init: PromptKind = "mask"
    frames: FramesSeen = "all"
    protocol: ProtocolName | None = None
    seed: int = 0
    device: str = "auto"
    amp: Precision = "off"
    compile: bool = False
    jobs: int | None = None
    engine: Engine = LOCAL
    stall: float | None = None
    shard: tuple[int, int] | None = None
    overwrite: Overwrite = "only-missing"
    save_probabilities: bool = False
    timing: bool = False
    clock: Clock = "stream"
    out: Path | None = None
    command: tuple[str, ...] = ()
    ablation: AblationEntry | None = None

    @property
    def side_by_side(self) -> bool:
        """Whether several sequences may run at the same time."""
        return self.engine != LOCAL or (self.jobs or 1) > 1

    def with_weights(self, chosen: ChosenWeights | None) -> Self:
        """Return these settings with the parameters that were chosen for the method; None for none."""
        path, name, licence = chosen or (None, "", "")
        return replace(self, weights=path, weights_name=name, weights_licence=licence)
