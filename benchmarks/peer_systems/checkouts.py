"""XMem and AOT by the evaluation scripts of a user's own checkouts. Both need what their repositories need.

These comparisons run the authors' `eval.py` of XMem and `tools/eval.py` of AOT as they are, on the CPU.
"""

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import torch

from vos_bench.api import LabelMap

from .clips import Clip
from .label_maps import Row, compare_maps, read_maps

RUNNER = Path(__file__).with_name("without_cuda.py")
Adapter = Callable[..., list[LabelMap]]


def compare(name: str, checkout: Path, clips: list[Clip], root: Path, adapter: Adapter) -> Iterator[Row]:
    """Compare the adapter of a system with its checkout.

    Raises:
        SystemExit: There is no such comparison or checkout, or their script fails.
    """
    if name not in _COMPARISONS:
        raise SystemExit(f"{name}={checkout}: expected one of {', '.join(_COMPARISONS)}")
    if not checkout.is_dir():
        raise SystemExit(f"{name}={checkout}: there is no such folder; expected a checkout")
    return _COMPARISONS[name](checkout, clips, root, adapter)


def _run(checkout: Path, *arguments: str) -> None:
    command = [sys.executable, str(RUNNER), *arguments]
    done = subprocess.run(command, cwd=checkout, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(arguments)}: ended with {done.returncode}: {done.stderr[-2000:]}")


def _make_checkpoint(checkout: Path, code: str, path: Path) -> None:
    """Write random parameters, built by the checkout's own code in a process of its own."""
    script = path.with_suffix(".py")
    script.write_text(
        f"import sys, torch\nsys.path.insert(0, {str(checkout)!r})\ntorch.manual_seed(0)\n{code}\n"
        f"torch.save(network.state_dict(), {str(path)!r})\n",
        encoding="utf-8",
    )
    _run(checkout, str(script))


def _xmem(checkout: Path, clips: list[Clip], root: Path, adapter: Adapter) -> Iterator[Row]:
    path = root / "xmem.pth"
    settings = dict.fromkeys(("top_k", "mem_every"), 5) | {
        "enable_long_term": True,
        "enable_long_term_count_usage": True,
    }
    _make_checkpoint(checkout, f"from model.network import XMem\nnetwork = XMem({settings})", path)
    for clip in clips:
        data, out = root / f"xmem-{clip.name}", root / f"xmem-out-{clip.name}"
        clip.write(data)
        _run(
            checkout, "eval.py", "--model", str(path), "--dataset", "G", "--generic_path", str(data),
            "--output", str(out), "--size", "480", "--benchmark",
        )  # fmt: skip
        ours = adapter("xmem", path, clip, repository=str(checkout))
        yield compare_maps("XMem / xmem", clip, ours, read_maps(out / clip.name, clip))


def _aot(checkout: Path, clips: list[Clip], root: Path, adapter: Adapter) -> Iterator[Row]:
    """Of DeAOT, which needs nothing that only a CUDA compiler builds, and of the clip whose objects start together."""
    path = root / "aot.pth"
    code = (
        "import os\nos.chdir(" + repr(str(root)) + ")\nfrom configs.pre_ytb_dav import EngineConfig\n"
        "from networks.models import build_vos_model\nc = EngineConfig('x', 'r50_deaotl')\n"
        "network = build_vos_model(c.MODEL_VOS, c)"
    )
    _make_checkpoint(checkout, code, path)
    torch.save({"state_dict": torch.load(path, weights_only=True)}, path)
    for clip in clips[:1]:
        davis = root / "DAVIS"
        _davis(clip, davis)
        _run(
            checkout, "tools/eval.py", "--exp_name", "peers", "--stage", "pre_ytb_dav", "--model", "r50_deaotl",
            "--dataset", "davis2017", "--split", "val", "--gpu_num", "1", "--ckpt_path", str(path),
        )  # fmt: skip
        found = sorted(checkout.glob(f"results/**/480p/{clip.name}"))
        if not found:
            raise SystemExit(f"{checkout}: tools/eval.py wrote no label maps of {clip.name}")
        ours = adapter("aot", path, clip, repository=str(checkout), model="r50_deaotl")
        yield compare_maps("AOT / aot", clip, ours, read_maps(found[-1], clip))


def _davis(clip: Clip, root: Path) -> None:
    data = root / "once"
    clip.write(data)
    for kind in ("JPEGImages", "Annotations"):
        (root / kind).mkdir(parents=True, exist_ok=True)
        (data / kind).rename(root / kind / "480p")
    (root / "ImageSets" / "2017").mkdir(parents=True)
    (root / "ImageSets" / "2017" / "val.txt").write_text(clip.name + "\n", encoding="utf-8")


_COMPARISONS: dict[str, Callable[[Path, list[Clip], Path, Adapter], Iterator[Row]]] = {"XMem": _xmem, "AOT": _aot}
