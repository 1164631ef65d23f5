"""What every registered method has to do, whatever it is; a method that is added is tested here without a word."""

import re
import shlex
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from vos_bench import registry, weights
from vos_bench.api import Image, Mask, Method, Prediction, Prompt, PromptedFrame, PromptedSequence
from vos_bench.errors import BadInputError
from vos_bench.methods.external.recipes import DRIVERS
from vos_bench.plugins import MethodInfo
from vos_bench.running.method import seed_everything

Frames = list[tuple[Image, Prompt | None]]
Run = Callable[..., list[Prediction]]


PAGE = Path(__file__).resolve().parents[2] / "docs" / "add-a-method.md"
"""Its first block is a method in one file, which has to do all that the others do."""


@pytest.fixture(scope="module", params=[*registry.names("methods"), PAGE.name])
def info(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> MethodInfo:
    if request.param != PAGE.name:
        return registry.method(request.param)
    code = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)[0]
    file = tmp_path_factory.mktemp("page") / "nearest_colour.py"
    file.write_text(code, encoding="utf-8")
    return registry.method(f"{file}:NearestColour")


@pytest.fixture(scope="module")
def build(info: MethodInfo) -> Iterator[Callable[..., Any]]:
    """Builds the method with the weights that come along; skips it where none do."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("VOS_BENCH_WEIGHTS", raising=False)
        patch.setenv("VOS_BENCH_CONFIG", "/nonexistent/config.toml")
        try:
            chosen = weights.choose(info, None)
        except BadInputError as error:
            pytest.skip(f"{info.name} has no weights here: {error}")
    factory = registry.resolve(info.factory)
    config = None
    if info.row == "adapter":  # the system at the other end is the example of the reference client
        config = factory.Config(command=shlex.join((sys.executable, str(DRIVERS / "vos_bench_client.py"))))
    built: list[Any] = []

    def make(seed: int = 0) -> Any:
        built.append(factory(config, weights=chosen.path if chosen else None, seed=seed))
        return built[-1]

    yield make
    for each in built:
        each.close()


@pytest.fixture(scope="module")
def method(build: Callable[..., Any]) -> Any:
    """One instance for all tests: an instance serves many sequences."""
    return build()


def run(method: Any, frames: Frames, *, seed: int = 1) -> list[Prediction]:
    """Drive a method of either kind as the runner does."""
    seed_everything(seed)
    if isinstance(method, Method):
        (image, prompt), *rest = frames
        assert prompt is not None
        return [method.initialize(image, prompt), *(method.step(image, new) for image, new in rest)]
    names = tuple(f"{i:05d}" for i in range(len(frames)))
    fed: Iterator[PromptedFrame] = (PromptedFrame(image, new) for image, new in frames)
    return list(method.segment(PromptedSequence(name="made-up", frame_names=names, frames=fed)))


def texture(height: int, width: int, seed: int) -> NDArray[np.float64]:
    """Muted blocks of colour with some grain, H x W x 3 in 0..255: what is tested is the contract, not the eyesight."""
    random = np.random.default_rng(seed)
    coarse = random.uniform(90, 160, (height // 8 + 2, width // 8 + 2, 3)).repeat(8, axis=0).repeat(8, axis=1)
    return coarse[:height, :width] + random.normal(0, 8, (height, width, 3))


def square(size: tuple[int, int], *, top: int, left: int, side: int) -> Mask:
    mask = np.zeros(size, np.bool_)
    mask[top : top + side, left : left + side] = True
    return mask


def scene(size: tuple[int, int], masks: list[Mask], *, seed: int = 0) -> Image:
    """A textured background with a differently coloured object at each mask."""
    image = texture(*size, seed)
    for k, mask in enumerate(masks):
        tint = np.array([(k * 67) % 256, (k * 131 + 80) % 256, (255 - k * 53) % 256])
        image[mask] = 0.3 * texture(*size, 100 + k)[mask] + 0.7 * tint
    return image.clip(0, 255).astype(np.uint8)


def moving(size: tuple[int, int] = (96, 128), *, frames: int = 4, side: int = 28) -> tuple[list[Image], list[Mask]]:
    """One square that moves three pixels right a frame."""
    masks = [square(size, top=size[0] // 3, left=size[1] // 4 + 3 * t, side=side) for t in range(frames)]
    return [scene(size, [mask]) for mask in masks], masks


def check(predictions: list[Prediction], frames: Frames) -> None:
    """Every answer has its frame's shape, and no id that was not given so far."""
    assert len(predictions) == len(frames)
    given: set[int] = set()
    for (labels, probabilities, _), (image, prompt) in zip(predictions, frames, strict=True):
        given |= set(prompt.object_ids) if prompt else set()
        assert labels.shape == image.shape[:2]
        assert labels.dtype == np.uint16
        assert set(np.unique(labels).tolist()) <= {0, *given}
        if probabilities is not None:
            assert probabilities.shape == (1 + len(given), *image.shape[:2])
            assert probabilities.dtype == np.float16
            assert ((probabilities >= 0) & (probabilities <= 1)).all()


def test_the_description_names_a_class_of_the_right_kind(info: MethodInfo) -> None:
    factory = registry.resolve(info.factory)
    assert factory.__doc__
    assert info.summary.endswith(".")
    assert info.prompts
    if factory.Config is not None:
        assert factory.Config() == factory.Config.model_validate(factory.Config().model_dump())


def test_one_object_from_a_mask_is_followed_over_a_few_frames(method: Any) -> None:
    images, masks = moving()
    frames: Frames = [(images[0], Prompt(masks={1: masks[0]})), *((image, None) for image in images[1:])]
    predictions = run(method, frames)
    check(predictions, frames)
    found = predictions[-1].labels == 1
    assert (found & masks[-1]).sum() / (found | masks[-1]).sum() > 0.4


def test_one_object_from_a_box(method: Any, info: MethodInfo) -> None:
    if "box" not in info.prompts:
        pytest.skip(f"{info.name} takes no box")
    images, masks = moving()
    prompt = Prompt(masks={1: masks[0]}).as_boxes()
    frames: Frames = [(images[0], prompt), *((image, None) for image in images[1:])]
    predictions = run(method, frames)
    check(predictions, frames)
    assert (predictions[-1].labels == 1).any()


@pytest.mark.parametrize("box", [(-20.0, -20.0, 10.5, 10.5), (90.25, 60.0, 300.0, 300.0), (40.0, 40.0, 40.5, 40.5)])
def test_a_box_may_leave_the_frame_or_cover_less_than_a_pixel(
    method: Any, info: MethodInfo, box: tuple[float, float, float, float]
) -> None:
    if "box" not in info.prompts:
        pytest.skip(f"{info.name} takes no box")
    images, _ = moving(frames=2)
    frames: Frames = [(images[0], Prompt(boxes={1: box})), (images[1], None)]
    check(run(method, frames), frames)


def test_a_late_object_joins_and_the_first_one_stays(method: Any) -> None:
    size = (96, 128)
    one, two = square(size, top=10, left=10, side=30), square(size, top=50, left=80, side=30)
    image = scene(size, [one, two])
    frames: Frames = [(image, Prompt(masks={1: one})), (image, None), (image, Prompt(masks={2: two})), (image, None)]
    predictions = run(method, frames)
    check(predictions, frames)
    assert (predictions[-1].labels[one] == 1).mean() > 0.5
    assert (predictions[-1].labels[two] == 2).mean() > 0.5


def test_a_second_sequence_owes_nothing_to_the_first(build: Callable[..., Any]) -> None:
    images, masks = moving(frames=3)
    frames: Frames = [(images[0], Prompt(masks={1: masks[0]})), (images[1], None), (images[2], None)]
    other = scene((64, 80), [square((64, 80), top=5, left=5, side=20)], seed=9)
    used = build()
    run(used, [(other, Prompt(masks={1: square((64, 80), top=5, left=5, side=20)})), (other, None)])
    for fresh, again in zip(run(build(), frames), run(used, frames), strict=True):
        np.testing.assert_array_equal(fresh.labels, again.labels)


def test_equal_seeds_give_equal_answers(build: Callable[..., Any]) -> None:
    images, masks = moving(frames=3)
    frames: Frames = [(images[0], Prompt(masks={1: masks[0]})), (images[1], None), (images[2], None)]
    for one, other in zip(run(build(seed=3), frames), run(build(seed=3), frames), strict=True):
        np.testing.assert_array_equal(one.labels, other.labels)


@pytest.mark.parametrize("size", [(96, 128), (480, 640)], ids=["small", "large"])
def test_an_object_of_one_pixel(method: Any, size: tuple[int, int]) -> None:
    images, _ = moving(size, frames=2)
    frames: Frames = [(images[0], Prompt(masks={1: square(size, top=40, left=50, side=1)})), (images[1], None)]
    check(run(method, frames), frames)


def test_an_object_that_fills_the_frame(method: Any) -> None:
    images, _ = moving(frames=3)
    frames: Frames = [
        (images[0], Prompt(masks={1: np.ones((96, 128), np.bool_)})),
        (images[1], None),
        (images[2], None),
    ]
    predictions = run(method, frames)
    check(predictions, frames)
    assert (predictions[-1].labels == 1).mean() > 0.5


@pytest.mark.parametrize("size", [(64, 64), (130, 70), (33, 47)], ids=["square", "portrait", "odd"])
def test_frames_of_other_shapes(method: Any, size: tuple[int, int]) -> None:
    images, masks = moving(size, frames=3, side=16)
    frames: Frames = [(images[0], Prompt(masks={1: masks[0]})), (images[1], None), (images[2], None)]
    check(run(method, frames), frames)


def test_frames_of_one_flat_colour(method: Any) -> None:
    flat = np.full((64, 80, 3), 90, np.uint8)
    frames: Frames = [(flat, Prompt(masks={1: square((64, 80), top=20, left=20, side=20)})), (flat, None), (flat, None)]
    check(run(method, frames), frames)


def test_a_sequence_of_one_frame(method: Any) -> None:
    images, masks = moving(frames=1)
    frames: Frames = [(images[0], Prompt(masks={1: masks[0]}))]
    check(run(method, frames), frames)


def test_an_empty_first_mask_is_an_object_that_is_not_there(method: Any) -> None:
    images, masks = moving(frames=3)
    prompt = Prompt(masks={1: masks[0], 2: np.zeros_like(masks[0])})
    frames: Frames = [(images[0], prompt), (images[1], None), (images[2], None)]
    predictions = run(method, frames)
    check(predictions, frames)
    assert not any((prediction.labels == 2).any() for prediction in predictions)


def test_an_object_that_leaves_may_be_answered_by_background_alone(method: Any) -> None:
    images, masks = moving(frames=2)
    away = scene((96, 128), [], seed=5)
    frames: Frames = [(images[0], Prompt(masks={1: masks[0]})), *((away, None) for _ in range(3)), (images[0], None)]
    check(run(method, frames), frames)


def test_twenty_objects(method: Any) -> None:
    size = (80, 100)
    masks = [square(size, top=20 * (k // 5), left=20 * (k % 5), side=16) for k in range(20)]
    image = scene(size, masks)
    frames: Frames = [(image, Prompt(masks=dict(enumerate(masks, start=1)))), (image, None)]
    predictions = run(method, frames)
    check(predictions, frames)
    assert len(np.unique(predictions[-1].labels)) > 10


def test_fewer_objects_at_a_time_change_no_more_than_last_bits(method: Any) -> None:
    if (most := method.objects_at_once) is None:
        pytest.skip("takes no objects together")
    masks = [square((80, 100), top=10 + 40 * (k // 3), left=5 + 30 * (k % 3), side=20) for k in range(5)]
    image = scene((80, 100), masks)
    frames: Frames = [(image, Prompt(masks=dict(enumerate(masks, start=1)))), *((image, None) for _ in range(3))]
    answers = []
    for count in (5, 2, 1):
        method.objects_at_once = count
        assert method.objects_at_once == count
        answers.append(np.stack([prediction.labels for prediction in run(method, frames)]))
    method.objects_at_once = most
    assert len(np.unique(answers[0][-1])) == 6
    for fewer in answers[1:]:
        assert (fewer != answers[0]).mean() < 1e-4
