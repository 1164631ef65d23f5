"""The drivers of well-known systems, each against a fake of the calls that the system offers."""

import importlib
import sys
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch

from vos_bench import registry
from vos_bench.api import Prediction, Prompt, PromptedFrame, PromptedSequence
from vos_bench.errors import MethodError
from vos_bench.methods.external.recipes import DRIVERS

FAKES = Path(__file__).resolve().parents[2] / "fakes" / "systems"
NAMES = ("aot", "cutie", "sam2.1", "xmem")


@pytest.fixture
def build(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Builds a recipe's method on the fakes."""
    monkeypatch.setenv("PYTHONPATH", str(FAKES / "installed"))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    built = []

    def make(name: str, *, content: dict[str, Any] | None = None, **options: Any) -> Any:
        torch.save(content or {"key": 7}, tmp_path / "w.pth")
        factory = registry.resolve(registry.method(name).factory)
        built.append(factory(factory.Config(python=sys.executable, **options), weights=tmp_path / "w.pth"))
        return built[-1]

    yield make
    for method in built:
        method.close()


def require_still(found: list[Prediction], *, least: float = 1.0) -> None:
    """Object 1 stays where it started on the first frame, object 2 where it started on the third."""
    for t, each in enumerate(found):
        expected = np.zeros((20, 30), np.uint16)
        expected[2:8, 5:15] = 1
        if t >= 2:
            expected[11:17, 5:15] = 2
        assert (each.labels == expected).mean() >= least
        assert set(np.unique(each.labels)) == set(np.unique(expected))
        assert each.milliseconds is not None


def test_cutie(build: Any, clip: Any, answers: Any) -> None:
    method = build("cutie", model="small", size=600, mem_every=3)
    require_still(answers(method, clip()))
    require_still(answers(method, clip("again")))
    assert method.finish().splitlines() == ["cutie small 7 3 -1", "works at 30x20"] * 2


def test_cutie_shrinks_frames_and_masks_above_its_size(build: Any, clip: Any, answers: Any) -> None:
    method = build("cutie", size=13)
    require_still(answers(method, clip()), least=0.93)
    assert "works at 19x13" in method.finish()


def test_xmem(build: Any, clip: Any, answers: Any) -> None:
    method = build("xmem", repository=str(FAKES / "xmem"), size=40, top_k=20, no_long_term=True)
    require_still(answers(method, clip()))
    assert method.finish() == "xmem 20 5 False 128 10000"


def test_aot(build: Any, clip: Any, answers: Any) -> None:
    method = build("aot", repository=str(FAKES / "aot"), content={"left_out": []})
    require_still(answers(method, clip()), least=0.93)
    require_still(answers(method, clip("again")), least=0.93)


def test_aot_leaves_nothing_in_the_folder_where_it_is_called(
    build: Any, clip: Any, answers: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    method = build("aot", repository=str(FAKES / "aot"), content={"left_out": []})
    require_still(answers(method, clip()), least=0.93)
    assert not list(folder.iterdir())


def test_aot_names_the_package_that_its_models_need_before_it_starts(
    build: Any, clip: Any, answers: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", "")
    with pytest.raises(MethodError, match=r"r50_aotl needs the package spatial_correlation_sampler .*model=r50_deaotl"):
        build("aot", repository=str(FAKES / "aot"), content={"left_out": []})
    method = build("aot", repository=str(FAKES / "aot"), content={"left_out": []}, model="r50_deaotl")
    require_still(answers(method, clip()), least=0.93)


@pytest.mark.parametrize(("name", "folder"), [("cutie", ""), ("xmem", "xmem"), ("aot", "aot"), ("sam2.1", "")])
def test_a_checkpoint_that_would_run_code_is_refused(
    build: Any, clip: Any, answers: Any, name: str, folder: str, tmp_path: Path
) -> None:
    options = {"repository": str(FAKES / folder)} if folder else {"model": "tiny"} if name == "sam2.1" else {}

    def run() -> None:
        answers(build(name, content={"key": Planted(tmp_path / "ran")}, **options), clip())

    with pytest.raises(MethodError, match=r"(?i)weights_only|unsupported"):
        run()
    assert not (tmp_path / "ran").exists()


class Planted:
    """Makes a file where it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.path,)


@pytest.fixture
def driver(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Gives a class of a driver, not built: what prepares frames needs no network."""

    def find(module: str, name: str, **attributes: Any) -> Any:
        monkeypatch.syspath_prepend(DRIVERS)
        kind = getattr(importlib.import_module(module), name)
        found = kind.__new__(kind)
        vars(found).update(attributes)
        return found

    yield find
    for module in ("run_aot", "run_xmem", "driver_tools", "vos_bench_client"):
        sys.modules.pop(module, None)


@pytest.mark.parametrize(
    ("align", "size", "expected"),
    [(True, (480, 854), (481, 849)), (False, (480, 854), (480, 848)), (True, (720, 1280), (577, 1041))],
)
def test_aot_resizes_frames_as_its_authors_loader_does(
    driver: Any, align: bool, size: tuple[int, int], expected: tuple[int, int]
) -> None:
    """To 16 times a whole number, one more where corners are aligned, by OpenCV's cubic filter on float pixels."""
    image = np.random.default_rng(0).integers(0, 255, (*size, 3), dtype=np.uint8)
    found = driver("run_aot", "Aot", device="cpu", align=align, longest=1040).preprocess(image)
    pixels = cv2.resize(image.astype(np.float32), expected[::-1], interpolation=cv2.INTER_CUBIC) / 255
    pixels = (pixels - (0.485, 0.456, 0.406)) / (0.229, 0.224, 0.225)
    assert found.shape == (1, 3, *expected)
    np.testing.assert_allclose(found[0].permute(1, 2, 0).numpy(), pixels, atol=1e-5)


def test_xmem_rounds_sides_down_as_its_authors_loader_does(driver: Any) -> None:
    planes = driver("run_xmem", "XMem", size=480).resize_masks(torch.zeros(2, 479, 853))
    assert planes.shape == (2, 480, int(853 / 479 * 480))
    assert int(853 / 479 * 480) != round(853 / 479 * 480)


def test_aot_refuses_parameters_of_another_model(build: Any) -> None:
    with pytest.raises(MethodError, match=r"exit code 1 .*holds parameters of another model: \['decoder.x'\]"):
        build("aot", repository=str(FAKES / "aot"), content={"left_out": ["decoder.x"]})


def test_sam_serves_all_sequences_in_one_call_and_late_objects_in_a_pass_of_their_own(
    build: Any, clip: Any, answers: Any
) -> None:
    method = build("sam2.1", model="tiny", precision="off")
    method.preview_sequences(iter([clip("a"), clip("b")]))
    require_still(answers(method, clip("a")))
    require_still(answers(method, clip("b")))
    assert method.finish().split() == ["a", "b"]


def test_sam_names_the_size_of_a_checkpoint_that_is_of_another(build: Any, clip: Any, answers: Any) -> None:
    trunk = "image_encoder.trunk."
    tiny = {f"{trunk}blocks.{number}.norm1.weight": torch.zeros(96) for number in range(12)}
    content = {"model": {**tiny, f"{trunk}patch_embed.proj.weight": torch.zeros(96, 3, 7, 7)}}
    with pytest.raises(MethodError, match=r"w\.pth: holds parameters of tiny, expected large: --set model=tiny"):
        answers(build("sam2.1", model="large", precision="off", content=content), clip())
    require_still(answers(build("sam2.1", model="tiny", precision="off", content=content), clip()))


def test_sam_starts_from_boxes(build: Any, answers: Any) -> None:
    frames = [PromptedFrame(np.zeros((20, 30, 3), np.uint8), new) for new in (Prompt(boxes={1: (5, 2, 15, 8)}), None)]
    sequence = PromptedSequence("boxed", ("00000", "00001"), iter(frames))
    assert (answers(build("sam2.1", model="tiny", precision="off"), sequence)[1].labels[2:8, 5:15] == 1).all()


def test_sam_answers_background_where_every_prompt_is_empty_and_goes_on(build: Any, clip: Any, answers: Any) -> None:
    def unprompted() -> PromptedSequence:
        new = Prompt(masks={1: np.zeros((20, 30), np.bool_)})
        frames = [PromptedFrame(np.zeros((20, 30, 3), np.uint8), each) for each in (new, None)]
        return PromptedSequence("a", ("00000", "00001"), iter(frames))

    method = build("sam2.1", model="tiny", precision="off")
    method.preview_sequences(iter([unprompted(), clip("b")]))
    found = answers(method, unprompted())
    assert [(each.labels.shape, int(each.labels.max())) for each in found] == [((20, 30), 0)] * 2
    require_still(answers(method, clip("b")))


def test_precision_that_the_authors_evaluate_with_is_named_where_ours_is_another() -> None:
    named = {name: " ".join(registry.method(name).deviations) for name in NAMES}
    assert "--amp fp16" in named["xmem"]
    assert "bf16" in named["sam2.1"]
    assert "amp" not in named["cutie"] + named["aot"]  # theirs is off too


@pytest.mark.parametrize("name", NAMES)
def test_a_recipe_says_how_to_install_it_and_under_which_licences(name: str) -> None:
    info = registry.method(name)
    assert info.row == "adapter"
    assert "git clone" in info.install
    assert info.licence
    assert all(weights.licence and weights.location.startswith("https://") for weights in info.weights)


@pytest.mark.parametrize("name", NAMES)
def test_every_option_of_a_recipe_is_one_of_its_driver(name: str) -> None:
    factory = registry.resolve(registry.method(name).factory)
    text = (Path(sys.modules[factory.__module__].__file__ or "").parent / "drivers" / factory.driver).read_text("utf-8")
    options = set(factory.Config.model_fields) - factory.common
    assert all(f'"--{option.replace("_", "-")}"' in text for option in options)
