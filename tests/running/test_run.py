"""A run from settings to record, on made-up data."""

import json
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numpy as np
import pandas as pd
import pytest

from vos_bench.commands.summary import conclude
from vos_bench.errors import BadInputError, MethodError
from vos_bench.labelmaps import read_label_map
from vos_bench.progress import Progress
from vos_bench.records import SequenceRecord, load_run
from vos_bench.registry import method as find_method
from vos_bench.running.run import RunSettings, run_method


class Listener(Progress):
    def __init__(self) -> None:
        self.calls: list[tuple[object, ...]] = []

    def run_started(self, sequences: tuple[str, ...], finished: int, work: Callable[[str], float]) -> None:
        self.calls.append(("run", sequences, finished, [work(name) for name in sequences]))

    def sequence_started(self, name: str, frames: int) -> None:
        self.calls.append(("started", name, frames))

    def frame_done(self, name: str) -> None:
        self.calls.append(("frame", name))

    def sequence_finished(self, record: SequenceRecord) -> None:
        self.calls.append(("finished", record.name, record.status))


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "out"


def make(fake_vos: ModuleType, out: Path | None, method: str = "Drift", specs: dict | None = None, **settings):
    specs = specs if specs is not None else {"a": fake_vos.Spec(), "b": fake_vos.Spec(length=6, starts={1: 0, 2: 3})}
    return RunSettings(
        method=fake_vos.info(method), dataset=fake_vos.FakeDataset(specs), out=out, device="cpu", **settings
    )


def masks(out: Path) -> dict[str, bytes]:
    return {str(path.relative_to(out)): path.read_bytes() for path in sorted(out.glob("masks/*/*"))}


def test_a_run_writes_masks_scores_tables_and_its_record(fake_vos: ModuleType, out: Path):
    record = run_method(make(fake_vos, out)).record
    assert record.status == "complete"
    assert record.scored
    assert set(record.scores) == {"J&F", "J", "J_recall", "J_decay", "F", "F_recall", "F_decay"}
    assert (record.counts.selected, record.counts.done, record.counts.scored) == (2, 2, 2)
    assert record.dataset.frames == 10
    assert len(masks(out)) == 10
    assert load_run(out).record == record
    objects = pd.read_csv(out / "objects.csv")
    assert objects["J"].mean() == pytest.approx(record.scores["J"], abs=1e-15)
    assert list(objects["sequence"]) == ["a", "b", "b"]
    assert [float(text) for text in pd.read_csv(out / "objects.csv", dtype=str)["J"]] == [
        scores.J for sequence in load_run(out).sequence_records.values() for scores in sequence.scores
    ]
    frames = pd.read_csv(out / "frames.csv.gz", dtype={"frame": str})
    assert frames.groupby(["sequence", "object"])["J"].mean().mean() == pytest.approx(record.scores["J"], abs=1e-15)
    timing = pd.read_csv(out / "timing.csv.gz", dtype={"frame": str})
    assert list(timing["phase"]) == ["init", *["step"] * 3, "init", *["step"] * 5]
    assert list(timing["objects"][4:]) == [1, 1, 1, 2, 2, 2]
    assert (timing["stream_ms"] > 0).all()
    assert timing["model_ms"].isna().all()
    assert not list(out.rglob("*.part"))


def test_the_record_says_what_a_stranger_needs(fake_vos: ModuleType, out: Path, tmp_path: Path):
    weights = tmp_path / "network.pth"
    weights.write_bytes(b"parameters")
    command = ("run", "drift", "--set", "reach=1")
    settings = make(fake_vos, out, overrides=("reach=1",), weights=weights, weights_name="paper", command=command)
    record = run_method(settings).record
    assert record.command == "run drift --set reach=1"
    assert record.method.config == {"reach": 1, "nested": {"depth": 1}}
    assert record.method.config_as_passed == ("reach=1",)
    assert record.method.weights is not None
    assert (record.method.weights.name, record.method.weights.file) == ("paper", "network.pth")
    assert record.protocol.frames_scored
    assert record.protocol.metric_version
    assert (record.protocol.init, record.protocol.frames_seen) == ("mask", "all")
    assert record.numerics is not None
    assert (record.numerics.device, record.numerics.seed, record.numerics.amp) == ("cpu", 0, "off")
    assert "resident memory" in record.memory_definition
    assert str(tmp_path) not in record.to_json()


def test_a_first_label_map_is_the_given_one(fake_vos: ModuleType, out: Path):
    settings = make(fake_vos, out, "Recorder")
    run_method(settings)
    sequence = settings.dataset.sequence("b")
    for frame, ids in (("00000", [1]), ("00003", [2])):
        labels = read_label_map(out / "masks" / "b" / f"{frame}.png")
        assert (labels == np.where(np.isin(sequence.read_truth(frame), ids), sequence.read_truth(frame), 0)).all()


def test_objects_are_handed_over_when_they_start_under_numbers_from_one(fake_vos: ModuleType, out: Path):
    fake_vos.Recorder.calls.clear()
    specs = {"gaps": fake_vos.Spec(length=5, starts={301: 1, 7: 1, 2: 3}, truth=False)}
    run_method(make(fake_vos, out, "Recorder", specs))
    assert fake_vos.Recorder.calls == [
        ("initialize", 1, (1, 2)),
        ("step", 2, ()),
        ("step", 3, (3,)),
        ("step", 4, ()),
    ]
    assert sorted(path.stem for path in (out / "masks" / "gaps").iterdir()) == [f"{i:05d}" for i in range(5)]
    assert not read_label_map(out / "masks" / "gaps" / "00000.png").any()
    assert set(np.unique(read_label_map(out / "masks" / "gaps" / "00001.png"))) == {0, 7, 301}
    assert set(np.unique(read_label_map(out / "masks" / "gaps" / "00003.png"))) == {0, 2}


def test_only_frames_that_are_asked_for_are_written_but_all_are_fed(fake_vos: ModuleType, out: Path):
    fake_vos.Recorder.calls.clear()
    specs = {"few": fake_vos.Spec(length=6, outputs=(0, 5), truth=False)}
    run_method(make(fake_vos, out, "Recorder", specs))
    assert len(fake_vos.Recorder.calls) == 6
    assert sorted(masks(out)) == ["masks/few/00000.png", "masks/few/00005.png"]


def test_annotated_frames_only_feeds_those(fake_vos: ModuleType, out: Path):
    fake_vos.Recorder.calls.clear()
    specs = {"few": fake_vos.Spec(length=6, outputs=(0, 5), truth=False)}
    record = run_method(make(fake_vos, out, "Recorder", specs, frames="annotated")).record
    assert [call[1] for call in fake_vos.Recorder.calls] == [0, 5]
    assert record.protocol.frames_seen == "annotated"


def test_boxes_start_objects_without_pasting(fake_vos: ModuleType, out: Path):
    run_method(make(fake_vos, out, "Recorder", {"a": fake_vos.Spec()}, init="box"))
    assert not read_label_map(out / "masks" / "a" / "00000.png").any()


def test_a_method_that_takes_boxes_alone_refuses_masks(fake_vos: ModuleType, out: Path):
    settings = make(fake_vos, out)
    info = fake_vos.info("Drift", prompts=frozenset({"box"}))
    with pytest.raises(BadInputError, match="--init mask: drift starts from a box"):
        run_method(RunSettings(method=info, dataset=settings.dataset, out=out))


@pytest.mark.parametrize(
    ("prompts", "asked", "start"),
    [
        ({"mask"}, None, "grabcut"),
        ({"mask"}, "ellipse", "ellipse"),
        ({"mask", "box"}, "rectangle", "rectangle"),
        ({"mask", "box"}, None, ""),
    ],
)
def test_masks_are_made_of_boxes_where_a_method_takes_no_boxes_or_a_way_is_named(
    fake_vos: ModuleType, out: Path, prompts: set[str], asked: str | None, start: str
):
    dataset = make(fake_vos, out).dataset
    info = fake_vos.info("Recorder", prompts=frozenset(prompts))
    settings = RunSettings(method=info, dataset=dataset, init="box", box_start=asked, out=out)
    run = run_method(settings)
    assert (run.record.protocol.init, run.record.protocol.box_start) == ("box", start)
    assert run.record.counts.failed == 0
    assert read_label_map(next((out / "masks").glob("*/00000.png"))).any() == bool(start)  # given masks are pasted
    other = RunSettings(method=info, dataset=dataset, init="box", box_start="ellipse", out=out)
    if start != "ellipse":  # the other way is another run
        with pytest.raises(BadInputError, match="box start"):
            run_method(other)


def test_a_box_start_without_boxes_or_of_another_name_is_refused(fake_vos: ModuleType, out: Path):
    settings = make(fake_vos, out)
    with pytest.raises(BadInputError, match="--box-start ellipse with --init mask has no effect"):
        run_method(RunSettings(method=settings.method, dataset=settings.dataset, box_start="ellipse", out=out))
    with pytest.raises(BadInputError, match="box_start='circle': expected one of 'grabcut', 'ellipse', 'rectangle'"):
        run_method(
            RunSettings(method=settings.method, dataset=settings.dataset, init="box", box_start="circle", out=out)
        )


def test_a_dataset_of_boxes_fails_the_sequences_of_a_method_of_masks(fake_vos: ModuleType, out: Path):
    dataset = fake_vos.FakeDataset({"a": fake_vos.Spec(boxes=True)})
    info = fake_vos.info("Drift", prompts=frozenset({"mask"}))
    record = run_method(RunSettings(method=info, dataset=dataset, out=out)).record
    assert record.counts.failed == 1
    assert "found a box for object 1" in load_run(out).sequence_records["a"].error


@pytest.mark.parametrize("method", ["Whole", "Lazy"])
def test_a_method_of_whole_sequences_runs(fake_vos: ModuleType, out: Path, method: str):
    record = run_method(make(fake_vos, out, method)).record
    assert record.status == "complete"
    assert record.timing is not None
    assert record.timing.fps is None
    assert "whole sequences" in record.timing.definition
    assert len(masks(out)) == 10
    assert min(load_run(out).sequence_records["a"].timings.stream_ms) >= 0


def test_an_object_with_an_empty_mask_is_left_out_and_noted(fake_vos: ModuleType, out: Path):
    specs = {"a": fake_vos.Spec(starts={1: 0, 2: 0}, empty=(1,), truth=False)}
    record = run_method(make(fake_vos, out, specs=specs)).record
    assert record.status == "complete"
    sequence = load_run(out).sequence_records["a"]
    assert sequence.objects == 1
    assert sequence.notes == ("object 1 left out: its mask on frame 00000 is empty",)
    assert set(np.unique(read_label_map(out / "masks" / "a" / "00000.png"))) == {0, 2}


@pytest.mark.parametrize("length", [1, 2])
def test_a_sequence_of_one_or_two_frames_runs(fake_vos: ModuleType, out: Path, length: int):
    record = run_method(make(fake_vos, out, specs={"short": fake_vos.Spec(length=length)})).record
    assert record.status == "complete"
    assert len(masks(out)) == length


def test_a_sequence_too_short_to_score_fails_with_a_message_and_keeps_its_masks(fake_vos: ModuleType, out: Path):
    specs = {"short": fake_vos.Spec(length=2), "long": fake_vos.Spec(length=4)}
    record = run_method(make(fake_vos, out, specs=specs, protocol="davis")).record
    assert (record.status, record.counts.failed, record.counts.scored) == ("failed", 1, 1)
    assert "scoring: short: found" in load_run(out).sequence_records["short"].error
    assert "the scores are means over 1 of 2 sequences" in record.notes
    assert len(masks(out)) == 6


def test_frames_keep_the_datasets_order_whatever_their_names(fake_vos: ModuleType, out: Path):
    fake_vos.Recorder.calls.clear()
    run_method(make(fake_vos, out, "Recorder", {"a": fake_vos.Spec(length=3, names=("1", "2", "10"))}))
    assert [call[1] for call in fake_vos.Recorder.calls] == [0, 1, 2]
    assert load_run(out).sequence_records["a"].timings.frame == ("1", "2", "10")


def test_a_split_without_truth_says_so(fake_vos: ModuleType, out: Path):
    record = run_method(make(fake_vos, out, specs={"a": fake_vos.Spec(truth=False)})).record
    assert (record.status, record.scored, record.scores) == ("complete", False, {})
    assert record.notes == ("1 sequence without public truth: label maps written, not scored",)


def test_order_and_choice_of_sequences_change_no_result(fake_vos: ModuleType, tmp_path: Path):
    specs = {name: fake_vos.Spec(length=8) for name in ("a", "b", "c")}
    run_method(make(fake_vos, tmp_path / "all", specs=specs))
    run_method(make(fake_vos, tmp_path / "one", specs=specs, sequences=("b",)))
    run_method(make(fake_vos, tmp_path / "back", specs=dict(reversed(specs.items()))))
    expected = masks(tmp_path / "all")
    assert masks(tmp_path / "back") == expected
    one = masks(tmp_path / "one")
    assert one == {name: expected[name] for name in one}
    assert len(one) == 8


def test_a_method_that_draws_its_weights_is_the_same_every_time(fake_vos: ModuleType, tmp_path: Path):
    for name in ("first", "second"):
        run_method(make(fake_vos, tmp_path / name, "Untrained"))
    run_method(make(fake_vos, tmp_path / "other", "Untrained", seed=1))
    assert masks(tmp_path / "first") == masks(tmp_path / "second")
    assert masks(tmp_path / "first") != masks(tmp_path / "other")


def test_another_seed_gives_another_result_and_another_folder(
    fake_vos: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    specs = {"a": fake_vos.Spec(length=20)}
    for seed in (0, 1):
        run_method(make(fake_vos, None, specs=specs, seed=seed))
    first, second = sorted(Path("runs/fake/drift").iterdir())
    assert masks(first) != masks(second)


def test_reading_ahead_changes_no_result(fake_vos: ModuleType, tmp_path: Path):
    for name, timing in (("ahead", False), ("timed", True)):
        record = run_method(make(fake_vos, tmp_path / name, timing=timing)).record
        assert record.timing is not None
        assert ("a thread read frames ahead beside the method" in record.timing.reasons) is not timing
    assert masks(tmp_path / "ahead") == masks(tmp_path / "timed")


def test_a_listener_hears_each_step(fake_vos: ModuleType, out: Path):
    listener = Listener()
    run_method(make(fake_vos, out, specs={"a": fake_vos.Spec(length=2)}), progress=listener)
    assert listener.calls == [
        ("run", ("a",), 0, [2.0]),
        ("started", "a", 2),
        ("frame", "a"),
        ("frame", "a"),
        ("finished", "a", "done"),
    ]


def test_probabilities_are_kept_when_asked_for(fake_vos: ModuleType, out: Path):
    specs = {"a": fake_vos.Spec(length=4, starts={9: 0, 300: 2}, truth=False)}
    run_method(make(fake_vos, out, "Soft", specs, save_probabilities=True))
    with np.load(out / "probabilities" / "a" / "00003.npz") as saved:
        assert saved["probabilities"].shape == (3, 12, 16)
        assert saved["probabilities"].dtype == np.float16
        assert saved["object_ids"].tolist() == [9, 300]
    with np.load(out / "probabilities" / "a" / "00000.npz") as saved:
        assert saved["probabilities"].shape == (2, 12, 16)


def test_a_method_without_probabilities_is_noted(fake_vos: ModuleType, out: Path, capsys: pytest.CaptureFixture[str]):
    run_method(make(fake_vos, out, specs={"a": fake_vos.Spec()}, save_probabilities=True))
    assert load_run(out).sequence_records["a"].notes == ("no probabilities saved: the method gives none",)
    conclude([load_run(out)], None)
    assert "note: no probabilities are saved of 1 sequence: " in capsys.readouterr().out
    assert not (out / "probabilities").exists()


def test_a_class_in_a_file_runs_and_its_code_is_part_of_the_identity(fake_vos: ModuleType, tmp_path: Path):
    source = Path(fake_vos.__file__).read_text(encoding="utf-8")
    file = tmp_path / "mine.py"
    dataset = fake_vos.FakeDataset({"a": fake_vos.Spec()})
    out = tmp_path / "out"
    file.write_text(source, encoding="utf-8")
    record = run_method(RunSettings(method=find_method(f"{file}:Drift"), dataset=dataset, out=out)).record
    assert record.method.code_sha256
    file.write_text(source + "\n# changed\n", encoding="utf-8")
    with pytest.raises(BadInputError, match="method code"):
        run_method(RunSettings(method=find_method(f"{file}:Drift"), dataset=dataset, out=out))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"sequences": ("aa",)}, "--sequences aa: there is none of this name in fake val; did you mean a"),
        ({"jobs": 0}, "--jobs 0: expected 1 or more"),
        ({"shard": (3, 2)}, "--shard 3/2: expected I/N"),
        ({"shard": (0, 2)}, "--shard 0/2: expected I/N"),
        ({"timing": True, "jobs": 2}, "--timing with several --jobs"),
        ({"overrides": ("speed=3",)}, "there is no 'speed'; known: nested, reach"),
        ({"protocol": "none"}, "there is no protocol 'none'"),
        ({"weights": Path("absent.pth")}, "absent.pth: cannot be read"),
    ],
)
def test_a_setting_that_does_not_fit_is_refused(fake_vos: ModuleType, out: Path, settings: dict, message: str):
    with pytest.raises(BadInputError, match=message):
        run_method(make(fake_vos, out, **settings))
    assert not out.exists()


def test_the_gpus_clock_is_refused_for_whole_sequences(fake_vos: ModuleType, out: Path):
    with pytest.raises(BadInputError, match="whole takes whole sequences"):
        run_method(make(fake_vos, out, "Whole", clock="model"))


def test_the_models_clock_fills_its_own_column(fake_vos: ModuleType, out: Path):
    record = run_method(make(fake_vos, out, clock="model")).record
    timings = load_run(out).sequence_records["a"].timings
    assert record.timing is not None
    assert record.timing.clock == "model"
    assert timings.stream_ms == (None,) * 4
    assert None not in timings.model_ms


@pytest.mark.parametrize("device", ["gpu", "cuda:x", "cuda:99"])
def test_a_device_that_is_not_there_is_refused(fake_vos: ModuleType, out: Path, device: str):
    pytest.importorskip("torch")
    dataset = fake_vos.FakeDataset({"a": fake_vos.Spec()})
    with pytest.raises(BadInputError, match=f"--device {device}: "):
        run_method(RunSettings(method=fake_vos.info("Drift"), dataset=dataset, out=out, device=device))


def test_a_method_that_cannot_be_built_ends_the_run_with_its_reason(fake_vos: ModuleType, out: Path):
    with pytest.raises(MethodError, match="cannotbebuilt: cannot be built: RuntimeError: weights of another network"):
        run_method(make(fake_vos, out, "CannotBeBuilt"))


def test_memory_and_time_of_a_sequence_are_recorded(fake_vos: ModuleType, out: Path):
    run_method(make(fake_vos, out))
    sequence = load_run(out).sequence_records["a"]
    assert sequence.seconds > 0
    assert sequence.peak_mib is None or sequence.peak_mib > 10
    assert sequence.peak_gpu_mib is None
    assert sequence.software.startswith("vos-bench ")
    assert (sequence.frames, sequence.objects) == (4, 1)


def test_nothing_in_a_record_is_not_json(fake_vos: ModuleType, out: Path):
    run_method(make(fake_vos, out))

    def refuse(constant: str) -> None:
        raise AssertionError(constant)

    for path in out.rglob("*.json"):
        json.loads(path.read_text(encoding="utf-8"), parse_constant=refuse)
