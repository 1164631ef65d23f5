"""XMem and AOT by the evaluation scripts of a user's own checkouts. Both need what their repositories need.

These comparisons run the authors' `eval.py` of XMem and `tools/eval.py` of AOT as they are, on the CPU, and leave
nothing in a checkout.
"""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from unittest.mock import patch

import numpy as np

from vos_bench.api import LabelMap

from .clips import Clip
from .label_maps import Row, compare_maps, read_maps

RUNNER, PARAMETERS = (Path(__file__).with_name(name) for name in ("without_cuda.py", "checkout_parameters.py"))
Adapter = Callable[..., list[LabelMap]]


def compare(name: str, checkout: Path, clips: list[Clip], root: Path, adapter: Adapter, *, seed: int) -> Iterator[Row]:
    """Compare the adapter of a system with its checkout.

    Raises:
        SystemExit: There is no such comparison or checkout, or their script fails.
    """
    if name not in _COMPARISONS:
        raise SystemExit(f"{name}={checkout}: expected one of {', '.join(_COMPARISONS)}")
    comparison, script = _COMPARISONS[name]
    if not (checkout / script).is_file():
        raise SystemExit(f"{name}={checkout}: there is no {script} in it; expected the folder of a checkout")
    checkpoint, frames = root / f"{name}.pth", root / f"{name}.npz"
    first = clips[0]
    np.savez(frames, frames=np.stack(first.frames[:2]), masks=np.stack(list(first.prompts[0].values())))
    _run(checkout, PARAMETERS, name, str(checkpoint), str(seed), str(frames), at=root)
    with patch.dict(os.environ, {"PYTHONDONTWRITEBYTECODE": "1"}):  # nor does the adapter leave anything in it
        return iter([*comparison(checkout, checkpoint, clips, root, adapter)])


def _run(checkout: Path, script: str | Path, *arguments: str, at: Path) -> None:
    """Run a script of a checkout, or one that imports from it, in the folder `at`."""
    command = [sys.executable, str(RUNNER), str(checkout / script), *arguments]
    environment = {**os.environ, "PYTHONPATH": str(checkout), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(command, cwd=at, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{checkout / script}: ended with {done.returncode}: {done.stderr[-2000:]}")


def _xmem(checkout: Path, checkpoint: Path, clips: list[Clip], root: Path, adapter: Adapter) -> Iterator[Row]:
    for clip in clips:
        data, out = root / f"xmem-{clip.name}", root / f"xmem-out-{clip.name}"
        clip.write(data)
        _run(
            checkout, "eval.py", "--model", str(checkpoint), "--dataset", "G", "--generic_path", str(data),
            "--output", str(out), "--size", "480", "--benchmark", at=root,
        )  # fmt: skip
        ours = adapter("xmem", checkpoint, clip, repository=str(checkout))
        yield compare_maps("XMem / xmem", clip, ours, read_maps(out / clip.name, clip))


def _aot(checkout: Path, checkpoint: Path, clips: list[Clip], root: Path, adapter: Adapter) -> Iterator[Row]:
    """Of the clip whose objects start together, for that is how DAVIS has them."""
    clip = clips[0]
    _write_davis(clip, root / "datasets" / "DAVIS")  # where their configuration looks, seen from the folder it runs in
    _run(
        checkout, "tools/eval.py", "--exp_name", "peers", "--stage", "pre_ytb_dav", "--model", "r50_deaotl",
        "--dataset", "davis2017", "--split", "val", "--gpu_num", "1", "--ckpt_path", str(checkpoint), at=root,
    )  # fmt: skip
    found = sorted(root.glob(f"results/**/480p/{clip.name}"))
    if not found:
        raise SystemExit(f"{checkout}: tools/eval.py wrote no label maps of {clip.name}")
    ours = adapter("aot", checkpoint, clip, repository=str(checkout), model="r50_deaotl")
    yield compare_maps("AOT / aot", clip, ours, read_maps(found[-1], clip))


def _write_davis(clip: Clip, root: Path) -> None:
    data = root / "once"
    clip.write(data)
    for kind in ("JPEGImages", "Annotations"):
        (root / kind).mkdir(parents=True, exist_ok=True)
        (data / kind).rename(root / kind / "480p")
    (root / "ImageSets" / "2017").mkdir(parents=True)
    (root / "ImageSets" / "2017" / "val.txt").write_text(clip.name + "\n", encoding="utf-8")


_COMPARISONS: dict[str, tuple[Callable[[Path, Path, list[Clip], Path, Adapter], Iterator[Row]], str]] = {
    "XMem": (_xmem, "eval.py"),
    "AOT": (_aot, "tools/eval.py"),
}
"""What a system is called, to its comparison and the script of the checkout that it runs."""
