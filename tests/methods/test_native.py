"""What the native methods share: the authors' parameters one to one, and every situation on random ones."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torchvision.models import resnet18
from torchvision.models.resnet import Bottleneck, ResNet

from vos_bench import registry
from vos_bench.api import UNTRAINED, Dataset, Image, Prompt, Sequence
from vos_bench.config import apply_overrides
from vos_bench.errors import BadInputError
from vos_bench.methods.frtm.checkpoint import SOURCES
from vos_bench.parts.checkpoints import read_metadata, read_tensors
from vos_bench.parts.merging import MergeRule
from vos_bench.running.method import seed_everything
from vos_bench.running.run import RunSettings, run_method


@dataclass(frozen=True)
class Native:
    """A method with an official file.

    Attributes:
        keys: The list of its parameters in shared/keys.
        prefix: What stands before every name there.
        inside: Under which key the file keeps them; empty for none.
        quick: Settings under which it is quick enough to test.
        absent: How names of the network begin that the file lacks.
        starts_as_given: Whether it answers with the given mask where an object starts later.
    """

    keys: str
    prefix: str = ""
    inside: str = ""
    quick: tuple[str, ...] = ()
    absent: tuple[str, ...] = ()
    starts_as_given: bool = True


NATIVE = {
    "stm": Native("STM_weights.pth", prefix="module."),
    "stcn": Native("STCN_stcn.pth"),
    "rgmp": Native("RGMP_weights.pth", prefix="module.", quick=("scales=[0.5, 1]",)),
    "osvos": Native("OSVOS_parent_epoch-239.pth", quick=("budget.steps=1", "budget.passes=1")),
    "siammask": Native("SiamMask_sharp", inside="state_dict", starts_as_given=False),  # unless an older one is as sure
    "frtm": Native(
        "FRTM_rn18",
        inside="model",
        absent=("backbone.",),
        quick=("backbone=resnet18", "solver.first_steps=[2, 2]", "solver.filter_steps=2", "synthesis.samples=1"),
    ),
    "ranet": Native("RANet"),
    "agame": Native("AGAME", prefix="trackseg.", inside="net", starts_as_given=False),
}


@pytest.fixture(params=NATIVE)
def name(request: pytest.FixtureRequest) -> str:
    return request.param


def shapes(shared: Path, native: Native) -> dict[str, tuple[int, ...]]:
    """The official file's names and shapes."""
    rows = [line.split("\t") for line in (shared / "keys" / f"{native.keys}.tsv").read_text().splitlines()[1:]]
    return {key: () if shape == "scalar" else tuple(map(int, shape.split("x"))) for key, shape, *_ in rows}


def made_up(shared: Path, native: Native) -> dict[str, Tensor]:
    """Tensors of the official names and shapes: small numbers, variances of one."""
    generator = torch.Generator().manual_seed(0)
    tensors = {}
    for key, shape in shapes(shared, native).items():
        counter = key.endswith("num_batches_tracked")
        drawn = 0.02 * torch.randn(shape, generator=generator)
        tensors[key] = torch.tensor(7) if counter else 1 + drawn.abs() if key.endswith("running_var") else drawn
    return tensors


def put_backbone(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Write a made-up file of torchvision's ResNet-18 where FRTM looks for it, named by its hash."""
    torch.manual_seed(0)
    path = folder / "made.pth"
    torch.save(resnet18(weights=None).state_dict(), path)
    name = f"resnet18-{hashlib.sha256(path.read_bytes()).hexdigest()[:8]}.pth"
    path.rename(folder / name)
    monkeypatch.setitem(SOURCES, "resnet18", f"https://download.pytorch.org/models/{name}")


@pytest.fixture
def official(shared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Path]:
    """Writes a made-up file in the official form."""

    def write(name: str, **changes: Tensor | None) -> Path:
        native = NATIVE[name]
        tensors = {key: x for key, x in {**made_up(shared, native), **changes}.items() if x is not None}
        if name == "frtm":
            put_backbone(tmp_path, monkeypatch)
        path = tmp_path / "official.pth"
        torch.save({native.inside: tensors, "epoch": 3} if native.inside else tensors, path)
        return path

    return write


def load(name: str) -> Callable[[Path], nn.Module]:
    return registry.resolve(f"vos_bench.methods.{name}.checkpoint:load_network")


def build(name: str, weights: object = UNTRAINED, **settings: Any) -> Any:
    factory = registry.resolve(registry.method(name).factory)
    seed_everything(settings.get("seed", 0))
    config = apply_overrides(factory.Config(), NATIVE[name].quick)
    with pytest.MonkeyPatch.context() as patch:
        if name == "ranet":  # its frames are always 480 x 864
            patch.setattr("vos_bench.methods.ranet.network.resnet101", partial(ResNet, Bottleneck, [1, 1, 1, 1]))
        return factory(config, weights=weights, **settings)


def test_names_and_shapes_are_the_official_files(shared, official, name):
    native = NATIVE[name]
    expected = {key.removeprefix(native.prefix): shape for key, shape in shapes(shared, native).items()}
    network = load(name)(official(name))
    own = {key: tuple(x.shape) for key, x in network.state_dict().items() if not key.startswith(native.absent)}
    assert own == expected


def test_every_parameter_of_the_official_file_arrives(shared, official, name):
    native = NATIVE[name]
    network = load(name)(official(name))
    assert not network.training
    state = network.state_dict()
    for key, x in made_up(shared, native).items():
        if not key.endswith("num_batches_tracked"):
            assert torch.equal(state[key.removeprefix(native.prefix)], x), key


def test_counters_of_batch_normalisations_may_be_absent(shared, official, name):
    counters = [key for key in shapes(shared, NATIVE[name]) if key.endswith("num_batches_tracked")]
    load(name)(official(name, **dict.fromkeys(counters)))


def test_a_file_that_does_not_fit_is_refused_with_a_list(shared, official, name):
    native = NATIVE[name]
    first, second, *_ = shapes(shared, native)
    path = official(name, **{first: None, second: torch.ones(3, 2), f"{native.prefix}extra": torch.ones(1)})
    with pytest.raises(BadInputError) as caught:
        load(name)(path)
    message = str(caught.value)
    assert f"1 missing: {first.removeprefix(native.prefix)}" in message
    assert "1 unexpected: extra" in message
    assert f"{second.removeprefix(native.prefix)} (3, 2), expected" in message


def test_the_official_file_converts_to_one_that_gives_the_same_network(official, tmp_path, name):
    source, out = official(name), tmp_path / "converted.safetensors"
    registry.resolve(registry.method(name).converter)(source, out)
    assert read_metadata(out) == {"format": name, "source": source.name}
    assert not any(key.endswith("num_batches_tracked") for key in read_tensors(out))
    expected = load(name)(source).state_dict()
    for key, x in load(name)(out).state_dict().items():
        if not key.endswith("num_batches_tracked"):
            assert torch.equal(x, expected[key]), key


def test_without_weights_it_says_how_to_get_them(name):
    factory = registry.resolve(registry.method(name).factory)
    with pytest.raises(BadInputError) as caught:
        factory()
    assert f"{name}: no weights" in str(caught.value)
    assert registry.method(name).weights[0].note in str(caught.value)


def video(frames: int, size: tuple[int, int] = (64, 80)) -> list[Image]:
    return list(np.random.default_rng(0).integers(0, 256, (frames, *size, 3), dtype=np.uint8))


def square(top: int, left: int, size: tuple[int, int] = (64, 80)) -> np.ndarray:
    mask = np.zeros(size, bool)
    mask[top : top + 20, left : left + 20] = True
    return mask


def follow(method: Any, frames: list[tuple[Image, Prompt | None]]) -> list[np.ndarray]:
    """Drive a method as the runner does; every answer is checked."""
    seed_everything(1)
    (image, prompt), *rest = frames
    predictions = [method.initialize(image, prompt), *(method.step(image, new) for image, new in rest)]
    given: set[int] = set()
    for prediction, (image, new) in zip(predictions, frames, strict=True):
        labels, probabilities = prediction.labels, prediction.probabilities
        given |= set(new.object_ids) if new else set()
        assert labels.shape == image.shape[:2]
        assert labels.dtype == np.uint16
        assert set(np.unique(labels)) <= {0, *given}
        if probabilities is not None:
            assert (probabilities.shape, probabilities.dtype) == ((1 + len(given), *labels.shape), np.float16)
            np.testing.assert_allclose(probabilities.sum(0, dtype=np.float32), 1, atol=2e-3)
    return [prediction.labels for prediction in predictions]


@pytest.mark.parametrize("name", ["stm", "stcn", "rgmp", "siammask", "agame"])
def test_fewer_objects_at_a_time_change_no_more_than_last_bits(name):
    first, second, third = video(3)
    method = build(name)
    masks = {1: square(5, 5), 2: square(30, 40), 3: square(5, 50)}
    answers = []
    for count in (3, 2, 1):
        method.objects_at_once = count
        seed_everything(1)
        method.initialize(first, Prompt(masks=masks))
        method.step(second)
        answers.append(method.step(third).probabilities.astype(np.float32))
    for fewer in answers[1:]:
        np.testing.assert_allclose(fewer, answers[0], atol=2e-3)


def test_several_objects_late_ones_and_empty_ones(name):
    first, second, third, *_ = images = video(4)
    one, two, three = square(5, 5), square(30, 40), square(5, 50)
    nothing = np.zeros_like(one)
    frames = [
        (first, Prompt(masks={1: one, 2: nothing, 3: two})),
        (second, None),
        (third, Prompt(masks={4: three, 5: nothing})),
        (images[3], None),
    ]
    labels = follow(build(name), frames)
    assert (labels[0][one] == 1).all()
    assert (labels[0][two] == 3).all()
    if NATIVE[name].starts_as_given:
        assert (labels[2][three] == 4).all()


def test_twenty_objects_which_are_more_than_go_through_at_once(name):
    image = video(1)[0]
    masks = {}
    for k in range(20):
        mask = np.zeros(image.shape[:2], bool)
        mask[16 * (k // 5) : 16 * (k // 5) + 12, 16 * (k % 5) : 16 * (k % 5) + 12] = True
        masks[k + 1] = mask
    labels = follow(build(name), [(image, Prompt(masks=masks)), (image, None)])
    assert all((labels[0][mask] == k).all() for k, mask in masks.items())


def test_a_second_sequence_owes_nothing_to_the_first_and_equal_seeds_give_equal_answers(name):
    frames = [(video(3)[0], Prompt(masks={1: square(5, 5), 2: square(30, 40)})), *((x, None) for x in video(3)[1:])]
    other = [(image, None) for image in video(3, (48, 51))]
    other[0] = (other[0][0], Prompt(masks={1: square(9, 9, (48, 51))}))
    used = build(name)
    follow(used, other)
    for again, fresh in zip(follow(used, frames), follow(build(name), frames), strict=True):
        np.testing.assert_array_equal(again, fresh)


@pytest.mark.parametrize("size", [(33, 47), (70, 34)])
def test_sizes_that_no_stride_divides(name, size):
    images = video(3, size)
    follow(build(name), [(images[0], Prompt(masks={1: square(3, 3, size)})), *((image, None) for image in images[1:])])


def test_one_pixel_a_full_frame_and_one_flat_colour(name):
    flat = np.full((48, 64, 3), 90, np.uint8)
    pixel, full = np.zeros((48, 64), bool), np.ones((48, 64), bool)
    pixel[20, 30] = True
    method = build(name)
    for mask in (pixel, full):
        follow(method, [(flat, Prompt(masks={1: mask})), (flat, None)])


def test_a_sequence_without_any_object_yet_is_background(name):
    image = video(1)[0]
    nothing = np.zeros(image.shape[:2], bool)
    labels = follow(build(name), [(image, Prompt(masks={1: nothing})), (image, Prompt(masks={2: square(5, 5)}))])
    assert not labels[0].any()
    assert (labels[1][square(5, 5)] == 2).all()


def test_wrong_calls_are_named(name):
    method, image = build(name), video(1)[0]
    with pytest.raises(BadInputError, match="step was called before initialize"):
        method.step(image)
    with pytest.raises(BadInputError, match="expected H x W x 3 uint8"):
        method.initialize(image.astype(np.float32), Prompt(masks={1: square(5, 5)}))
    if "box" not in registry.method(name).prompts:
        with pytest.raises(BadInputError, match="object 1 is given as a box, expected a mask"):
            method.initialize(image, Prompt(boxes={1: (5.0, 5.0, 25.0, 25.0)}))
    with pytest.raises(BadInputError, match="mask of object 1"):
        method.initialize(image, Prompt(masks={1: square(5, 5, (64, 81))}))
    method.initialize(image, Prompt(masks={1: square(5, 5)}))
    with pytest.raises(BadInputError, match="expected 64 x 80 as the first one"):
        method.step(video(1, (64, 81))[0])
    if method.takes_corrections:
        return
    with pytest.raises(BadInputError, match="object 1 was given before"):
        method.step(image, Prompt(masks={1: square(5, 5)}))


def one_object(method: Any) -> None:
    images = video(3)
    follow(method, [(images[0], Prompt(masks={1: square(5, 5)})), *((image, None) for image in images[1:])])


def test_half_precision_runs(name):
    one_object(build(name, amp="bf16"))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("amp", ["off", "fp16"])
def test_it_runs_on_a_gpu(name, amp):
    one_object(build(name, device="cuda", amp=amp))


def test_parts_of_the_network_are_compiled_where_they_live_long_enough(name, monkeypatch):
    compiled = []
    monkeypatch.setattr(nn.Module, "compile", lambda part: compiled.append(type(part).__name__))
    if name == "osvos":
        with pytest.raises(BadInputError, match="--compile: every object has a network of its own"):
            build(name, compile=True)
    else:
        build(name, compile=True)
        assert any("Encoder" in part or part in ("Backbone", "FixedResNet", "Extractor", "Trunk") for part in compiled)


def test_another_merge_rule_may_be_chosen(name):
    factory = registry.resolve(registry.method(name).factory)
    if "merge" not in factory.Config.model_fields:
        pytest.skip(f"{name} has one merge rule")
    other = next(rule for rule in get_args(MergeRule) if rule != factory.Config().merge)
    config = apply_overrides(factory.Config(), (*NATIVE[name].quick, f"merge={other}", "probabilities=false"))
    seed_everything(0)
    images, masks = video(2), {1: square(5, 5), 2: square(30, 40)}
    follow(factory(config, weights=UNTRAINED), [(images[0], Prompt(masks=masks)), (images[1], None)])


class Short(Sequence):
    """The first frames of a sequence, at a quarter of its size."""

    def __init__(self, whole: Sequence, frames: int) -> None:
        self.name, self.groups, self._whole = whole.name, whole.groups, whole
        self.frame_names = self.output_names = self.truth_names = whole.frame_names[:frames]
        self.prompt_frames = tuple(frame for frame in whole.prompt_frames if frame in self.frame_names)

    def read_frame(self, frame_name):
        return np.ascontiguousarray(self._whole.read_frame(frame_name)[::4, ::4])

    def read_prompt(self, frame_name):
        return Prompt(masks={k: mask[::4, ::4] for k, mask in self._whole.read_prompt(frame_name).masks.items()})

    def read_truth(self, frame_name):
        return self._whole.read_truth(frame_name)[::4, ::4]


class ShortDemo(Dataset):
    """Two short and small sequences of the demo data."""

    name, split, root, protocol = "demo", "val", Path(), "all-frames"

    def __init__(self) -> None:
        self._whole = registry.open_dataset("demo")
        self.sequence_names = self._whole.sequence_names[:2]

    def sequence(self, name):
        return Short(self._whole.sequence(name), 3)

    def fingerprint(self):
        return "0" * 64

    def check(self):
        return []

    def package(self, masks, archive):
        raise BadInputError(f"{masks}: {archive}: no server")


def test_it_runs_on_the_demo_data_and_the_record_says_untrained(tmp_path, name):
    settings = RunSettings(
        registry.method(name),
        ShortDemo(),
        weights=UNTRAINED,
        overrides=NATIVE[name].quick,
        device="cpu",
        out=tmp_path / "out",
    )
    record = run_method(settings).record
    assert record.counts.done == 2, [path.read_text() for path in (tmp_path / "out" / "sequences").glob("*.json")]
    assert record.method.title == f"{name} (untrained)"
    assert record.notes[0].startswith("untrained: ")
    assert set(record.scores) >= {"J&F", "J", "F"}
