"""What transformers' video classes do otherwise than a user expects, and these methods must not."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image as PillowImage
from torch.nn import functional

from vos_bench.api import Image, Mask, Prediction, Prompt

transformers = pytest.importorskip("transformers", reason="pip install '.[hf]'")

from vos_bench.methods.hf_video.families import EDGETAM, SAM2, SAM3  # noqa: E402
from vos_bench.methods.hf_video.method import label_map  # noqa: E402
from vos_bench.methods.hf_video.preprocessing import box_corners, preprocess, resize_mask  # noqa: E402
from vos_bench.methods.hf_video.tracks import Tracks  # noqa: E402

METHODS = ("sam2-hf", "edgetam-hf", "sam3-hf")


def follow(method: Any, frames: list[Image], prompts: dict[int, Prompt]) -> tuple[list[Prediction], list[Any]]:
    """Return the answers and the logits of each frame."""
    logits, merge = [], method.merge
    method.merge = lambda found: logits.append(found.clone()) or merge(found)
    answers = [
        method.step(frame, prompts.get(number)) if number else method.initialize(frame, prompts[0])
        for number, frame in enumerate(frames)
    ]
    method.merge = merge
    return answers, logits


@pytest.mark.parametrize("name", METHODS)
def test_an_object_is_what_it_is_alone_whether_others_start_with_it_or_later(
    build: Callable[..., Any], frames: list[Image], one: Mask, two: Mask, name: str
) -> None:
    method = build(name)
    _, alone = follow(method, frames, {0: Prompt(masks={1: one})})
    _, late = follow(method, frames, {0: Prompt(masks={1: one}), 3: Prompt(masks={2: two})})
    _, second = follow(method, frames, {0: Prompt(masks={2: two})})
    _, together = follow(method, frames, {0: Prompt(masks={1: one, 2: two})})
    for number in range(len(frames)):
        assert torch.equal(late[number][0], alone[number][0])
        assert torch.equal(together[number][0], alone[number][0])
        assert torch.equal(together[number][1], second[number][0])
    assert [len(each) for each in late] == [1, 1, 1, 2, 2, 2]
    found = (late[-1] > 0).float().mean(dim=(1, 2))
    assert ((found > 0.01) & (found < 0.99)).all(), "an empty or a full mask would prove nothing"


def test_the_image_encoder_runs_once_a_frame_for_all_objects(
    build: Callable[..., Any], frames: list[Image], one: Mask, two: Mask
) -> None:
    method, calls = build(), []
    method.network.vision_encoder.register_forward_hook(lambda *_: calls.append(1))
    follow(method, frames, {0: Prompt(masks={1: one}, boxes={3: (5, 5, 20, 20)}), 2: Prompt(masks={2: two})})
    assert len(calls) == len(frames)


@pytest.mark.parametrize("name", METHODS)
def test_what_is_let_go_of_changes_no_bit(
    build: Callable[..., Any], frames: list[Image], one: Mask, two: Mask, name: str
) -> None:
    method = build(name)
    found = []
    for keep_all in (False, True):
        tracks = Tracks(method.network, method._session, keep_all=keep_all)
        with torch.inference_mode():
            for number in range(20):
                tracks.see_frame(preprocess(frames[number % len(frames)], method.network.image_size, method.family))
                if number == 0:
                    tracks.start_from_mask(1, one)
                if number == 4:
                    tracks.start_from_mask(2, two)
                found.append(tracks.segment())
    assert all(torch.equal(*pair) for pair in zip(found[:20], found[20:], strict=True))


def test_three_hundred_frames_take_no_more_memory_than_thirty(
    build: Callable[..., Any], frames: list[Image], one: Mask
) -> None:
    method, held = build(), []
    method.initialize(frames[0], Prompt(masks={1: one}))
    for number in range(1, 300):
        method.step(frames[number % len(frames)])
        if number in (30, 299):
            held.append(tensor_mib(method._tracks))
    assert held[0] > 0.1
    assert held[1] - held[0] < 0.1  # at 1024 pixels there is 64 times as much of it


def tensor_mib(tracks: Tracks) -> float:
    """Return how much all tensors that a sequence's objects hold take, each storage counted once."""
    storages: dict[int, int] = {}

    def count(value: Any) -> None:
        if isinstance(value, torch.Tensor):
            storages[value.untyped_storage().data_ptr()] = value.untyped_storage().nbytes()
        elif isinstance(value, dict):
            for each in value.values():
                count(each)
        elif isinstance(value, list | tuple):
            for each in value:
                count(each)

    for session in tracks._sessions.values():
        count([session.processed_frames, session.output_dict_per_obj, session.mask_inputs_per_obj])
        count([session.point_inputs_per_obj, session.frames_tracked_per_obj, session.cache._vision_features])
    return sum(storages.values()) / 2**20


def test_an_absent_object_is_answered_by_background_and_others_join_later(
    build: Callable[..., Any], frames: list[Image], one: Mask
) -> None:
    nothing = Prompt(masks={1: np.zeros_like(one)})
    answers, _ = follow(build(), frames, {0: nothing, 2: Prompt(masks={2: one})})
    assert [int(each.labels.max()) for each in answers[:2]] == [0, 0]
    assert all(set(np.unique(each.labels)) <= {0, 2} for each in answers)
    assert (answers[2].labels[one] == 2).mean() > 0.8
    assert answers[3].probabilities is not None
    assert answers[3].probabilities.shape == (3, *one.shape)


def test_the_prompt_of_the_caller_stays_as_it_is(build: Callable[..., Any], frames: list[Image], one: Mask) -> None:
    masks = {1: one.copy(), 2: ~one}
    follow(build(), frames[:2], {0: Prompt(masks=masks)})
    assert list(masks) == [1, 2]
    assert (masks[1] == one).all()


def test_half_precision_is_autocast_on_parameters_that_stay_float32(
    build: Callable[..., Any], frames: list[Image], one: Mask
) -> None:
    method = build(amp="bf16")
    answers, logits = follow(method, frames, {0: Prompt(masks={1: one})})
    assert {value.dtype for value in method.network.parameters()} == {torch.float32}
    assert logits[-1].dtype == torch.float32
    assert (answers[-1].labels == 1).any()


@pytest.mark.parametrize("family", [SAM2, EDGETAM])
def test_frames_are_prepared_as_the_loader_of_sam_2_does(frames: list[Image], family: Any) -> None:
    """Its `_load_img_as_tensor` and `load_video_frames_from_jpg_images`: bytes resized by Pillow's bicubic filter."""
    small = np.array(PillowImage.fromarray(frames[0]).resize((128, 128))) / 255.0
    expected = torch.zeros(3, 128, 128)
    expected[:] = torch.from_numpy(small).permute(2, 0, 1)
    expected -= torch.tensor((0.485, 0.456, 0.406))[:, None, None]
    expected /= torch.tensor((0.229, 0.224, 0.225))[:, None, None]
    found = preprocess(frames[0], 128, family)
    assert torch.equal(found, expected)
    theirs = transformers.Sam2ImageProcessor(size={"height": 128, "width": 128})(frames[0], return_tensors="pt")
    assert (theirs.pixel_values[0] - found).abs().max() > 0.1, "the processor of transformers resizes otherwise"


def test_frames_are_prepared_as_the_loader_of_sam_3_does(frames: list[Image]) -> None:
    """Bilinear, to -1..1, kept in half precision."""
    small = np.array(PillowImage.fromarray(frames[0]).resize((140, 140), PillowImage.Resampling.BILINEAR))
    expected = (torch.from_numpy(small).permute(2, 0, 1).float() / 255).half()
    assert torch.equal(preprocess(frames[0], 140, SAM3), ((expected - 0.5) / 0.5).float())


def test_masks_and_boxes_are_those_of_transformers_processor(one: Mask) -> None:
    size = {"height": 128, "width": 128}
    processor = transformers.Sam2VideoProcessor(
        transformers.Sam2ImageProcessor(size=size), transformers.Sam2VideoVideoProcessor(size=size)
    )
    session = transformers.Sam2VideoInferenceSession(dtype=torch.float32)
    processor.add_inputs_to_inference_session(session, 0, [1], input_masks=[one])
    assert torch.equal(session.mask_inputs_per_obj[0][0], resize_mask(one, 128))
    box = (10.5, 3.0, 40.0, 30.25)
    processor.add_inputs_to_inference_session(
        session, 0, [1], input_boxes=[[list(box)]], original_size=one.shape, clear_old_inputs=True
    )
    corners = box_corners(box, (one.shape[0], one.shape[1]), 128)
    torch.testing.assert_close(session.point_inputs_per_obj[0][0]["point_coords"], corners)


@pytest.mark.parametrize("name", METHODS)
def test_the_memory_of_a_mask_is_that_of_the_authors_evaluation(
    build: Callable[..., Any], frames: list[Image], one: Mask, name: str
) -> None:
    """From the mask at a quarter of the resolution, by the sigmoid; their pointer is that of the single mask."""
    method, masks, chosen = build(name), [], []
    encode, decode = method.network.memory_encoder.forward, method.network.mask_decoder.forward
    method.network.memory_encoder.forward = lambda *given: masks.append(given[1]) or encode(*given)
    method.network.mask_decoder.forward = lambda **given: chosen.append(given["multimask_output"]) or decode(**given)
    method.initialize(frames[0], Prompt(masks={1: one}))
    low = functional.interpolate(
        resize_mask(one, method.network.image_size) * 20 - 10,
        size=method.network.prompt_encoder.mask_input_size,
        mode="bilinear",
        align_corners=False,
        antialias=True,
    )
    side = method.network.image_size
    whole = functional.interpolate(low, (side, side), mode="bilinear", align_corners=False)
    if whole.shape != masks[0].shape:  # SAM 3 encodes masks at another size
        whole = functional.interpolate(whole, masks[0].shape[2:], mode="bilinear", align_corners=False, antialias=True)
    torch.testing.assert_close(masks[0], torch.sigmoid(whole) * 20 - 10)
    assert len(masks[0].unique()) > 2, "a mask of 0 and 1 would give two values"
    assert chosen == [False]
    method.step(frames[1])
    assert chosen == [False, True]


def test_unstable_masks_give_way_as_in_the_authors_evaluation(build: Callable[..., Any]) -> None:
    def gives_way(name: str, **options: Any) -> bool:
        found: bool = build(name, **options).network.mask_decoder.dynamic_multimask_via_stability
        return found

    assert [gives_way(name) for name in METHODS] == [False, False, True]
    assert gives_way("sam2-hf", choose_mask=True)
    assert not gives_way("sam3-hf", choose_mask=False)


def test_short_videos_can_be_told(build: Callable[..., Any], frames: list[Image], one: Mask) -> None:
    _, whole = follow(build(), frames, {0: Prompt(masks={1: one})})
    _, short = follow(build(video_frames=6), frames, {0: Prompt(masks={1: one})})
    assert torch.equal(whole[0], short[0])
    assert not torch.equal(whole[2], short[2])


def test_the_highest_logit_wins_even_where_probabilities_are_equal() -> None:
    logits = torch.tensor([[[20.0, -1.0, 3.0, 0.0]], [[25.0, -2.0, 3.0, -1.0]]])
    assert (logits[:, 0, 0].sigmoid() == 1).all()
    assert label_map(logits, [7, 9]).tolist() == [[9, 0, 7, 0]]


def test_a_box_outside_the_frame_is_an_absent_object(build: Callable[..., Any], frames: list[Image]) -> None:
    answers, _ = follow(
        build(), frames[:2], {0: Prompt(boxes={1: (90.0, 5.0, 120.0, 20.0), 2: (5.0, 5.0, 30.0, 30.0)})}
    )
    assert set(np.unique(answers[1].labels)) == {0, 2}


def test_the_folder_names_no_precision_that_is_taken_over(
    folder: Callable[[str], Path], tmp_path: Path, build: Callable[..., Any]
) -> None:
    """transformers loads a folder in the type that it was saved in."""
    network = transformers.Sam2VideoModel.from_pretrained(folder("sam2-hf"), dtype=torch.bfloat16)
    network.save_pretrained(tmp_path)
    assert transformers.Sam2VideoModel.from_pretrained(tmp_path).dtype == torch.bfloat16
    kind = type(build())
    assert kind(weights=tmp_path).network.dtype == torch.float32
