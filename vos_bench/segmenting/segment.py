"""`vos_bench.segment`: the objects of one or more videos, frame by frame, in memory that does not grow with them."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from vos_bench import __version__, registry
from vos_bench.api import UNTRAINED, Precision
from vos_bench.config import Settings, overrides
from vos_bench.environment import without_home
from vos_bench.errors import BadInputError
from vos_bench.files import remove_stale_parts, remove_stale_parts_below, require_no_link
from vos_bench.names import is_leftover, shorten
from vos_bench.parts.box_start import BoxFill
from vos_bench.plugins import MethodInfo
from vos_bench.progress import Progress
from vos_bench.records import MethodEntry, masks_folder
from vos_bench.records.summary import utc_now
from vos_bench.running.method import MethodSpec, built_method, configure, method_class
from vos_bench.running.settings import require_choice, require_seed
from vos_bench.running.setup import UNTRAINED_NOTE, method_entry, without_effect
from vos_bench.segmenting.inputs import InputVideo, frame_rate, numbered_frame, open_input
from vos_bench.segmenting.prompts import FramePrompts, as_boxes, as_masks, for_each_input, gather_prompts
from vos_bench.segmenting.record import (
    FILE,
    SegmentedSequence,
    SegmentRecord,
    read_segment_record,
    write_segment_record,
)
from vos_bench.segmenting.sequence import Job, overlay_file, segment_video
from vos_bench.weights import choose as choose_weights


class Segmentation(NamedTuple):
    """What `segment` made.

    Attributes:
        folder: Holds `masks/NAME/FRAME.png`, `overlay/NAME.mp4` and `segment.json`.
        record: What lies in that file.
    """

    folder: Path
    record: SegmentRecord

    @property
    def sequences(self) -> dict[str, SegmentedSequence]:
        """What was found in each video, by its name."""
        return {each.name: each for each in self.record.sequences}


def segment(
    inputs: str | Path | Sequence[str | Path],
    *,
    masks: object = None,
    boxes: object = None,
    at: str | int | None = None,
    method: str | None = None,
    out: str | Path,
    weights: str | Path | None = None,
    settings: Settings = (),
    device: str = "auto",
    amp: Precision = "off",
    seed: int = 0,
    box_start: BoxFill | None = None,
    both_ways: bool = False,
    overlay: bool = True,
    fps: float | None = None,
    overwrite: bool = False,
    command: str = "",
    progress: Progress | None = None,
) -> Segmentation:
    """Segment objects through videos, as `vos-bench segment` does.

    Args:
        inputs: A video file, a folder of frames, or several of them.
        masks: A PNG file, a folder of them named by frames, an array, a `GivenMask`, or a list of these. A file or
            array of 0 and 1, or 0 and 255, is the mask of one object; every other one is a label map.
        boxes: x0, y0, x1, y1 in pixels, half-open; a list of them, a dict of object id to box, or `GivenBox`es.
        at: The frame, by name or by number from 0, of what names none; None for the first.
        method: A method's name, or `FILE.py:CLASS`; None for lwl-lite.
        out: The folder to write.
        weights: A file of parameters, one of the method's names for them, or `untrained`.
        settings: The method's settings by name, or texts as `--set` takes them.
        device: `auto`, `cpu`, `cuda` or `cuda:1`.
        amp: Precision of the network on a GPU.
        seed: Of what the method draws at random.
        box_start: How masks are made of boxes; None leaves boxes to a method that takes them, and is `grabcut` else.
        both_ways: Segment frames before an object's first prompt too, backwards.
        overlay: Write the overlay videos.
        fps: Frames a second of folders of frames; 25 unless said otherwise.
        overwrite: Write over what an earlier call left in `out`.
        command: The command line, for the record.
        progress: Hears about progress.

    Raises:
        BadInputError: An input cannot be read, what is given does not fit it, or nothing can be written.
        MethodError: The method cannot be built, or broke its contract.
    """
    folder, info = Path(out), registry.default_method() if method is None else registry.method(method)
    paths = [Path(each) for each in ([inputs] if isinstance(inputs, str | Path) else inputs)]
    videos = _opened(paths, folder, fps)
    all_masks, all_boxes = as_masks(masks), as_boxes(boxes)
    given = [
        (video, gather_prompts(video, its_masks, its_boxes, at=0 if at is None else at))
        for video, its_masks, its_boxes in for_each_input(videos, all_masks, all_boxes)
    ]
    _require_effect(
        {
            f"--at {at}": at is None
            or any(mask.needs_frame for mask in all_masks)
            or any(box.needs_frame for box in all_boxes),
            f"--box-start {box_start}": box_start is None or bool(all_boxes),
            "--both-ways": not both_ways or any(max(prompts.starts.values()) for _, prompts in given),
        }
    )
    for name, value in (("box_start", box_start), ("amp", amp)):
        require_choice(name, value)
    require_seed(seed)
    spec, entry = _spec(info, weights, settings, device=device, amp=amp, seed=seed)
    for video, prompts in given:
        _require_accepted(video, prompts, info)
    fill: BoxFill | None = box_start or (None if "box" in info.prompts else "grabcut")
    record = SegmentRecord(
        created=utc_now(),
        command=without_home(command),
        software=f"vos-bench {__version__}",
        method=entry,
        device=device,
        seed=seed,
        box_start=(fill or "") if all_boxes else "",
        both_ways=both_ways,
    )
    old = _old_results(folder, videos, overwrite=overwrite)
    notes = [*((UNTRAINED_NOTE,) if spec.weights == UNTRAINED else ()), *without_effect(spec)]
    with built_method(spec, notes) as built:
        _remove(old)  # now that the method is there: one that cannot be built costs no results
        record = record.replace(device=built.device)
        write_segment_record(record, folder)  # the folder is known as one of these, whatever happens to it
        job = Job(folder, info, built, seed, fill, both_ways, overlay, progress or Progress())
        for video, prompts in given:
            done = segment_video(video, prompts, job)
            record = record.replace(sequences=(*record.sequences, done))
            write_segment_record(record, folder)
    record = record.replace(notes=tuple(notes))
    write_segment_record(record, folder)
    return Segmentation(folder, record)


_IDLE = {
    "--at": "every mask and box names its own frame",
    "--box-start": "no box is given",
    "--both-ways": "all objects start on the first frame",
}


def _require_effect(options: Mapping[str, bool]) -> None:
    """Refuse options that would have no effect. Raises BadInputError."""
    for option, counts in options.items():
        if not counts:
            raise BadInputError(f"{option} has no effect: {_IDLE[option.partition(' ')[0]]}; leave it out")


def _opened(paths: Sequence[Path], out: Path, fps: float | None) -> list[InputVideo]:
    """Open all inputs and check that they get along with each other and with the folder that is written."""
    if not paths:
        raise BadInputError("found no input; expected a video file or a folder of frames")
    rate = frame_rate(fps)
    videos = [open_input(path, rate) for path in paths]
    names = [video.name for video in videos]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise BadInputError(
            f"two inputs are called {twice[0]}, as their results would be; segment them into two folders"
        )
    for path in paths:
        if path.is_dir() and out.resolve().is_relative_to(path.resolve()):
            raise BadInputError(f"--out {out}: lies in {path}, which is read; give a folder elsewhere")
        if path.resolve() == overlay_file(out, path.stem).resolve():
            raise BadInputError(f"--out {out}: would write over {path}; give another folder")
    return videos


def _spec(
    info: MethodInfo, weights: str | Path | None, settings: Settings, *, device: str, amp: Precision, seed: int
) -> tuple[MethodSpec, MethodEntry]:
    texts = overrides(settings)
    chosen = choose_weights(info, None if weights is None else str(weights))
    path, name, licence = chosen or (None, "", "")
    path = path.absolute() if isinstance(path, Path) else path
    spec = MethodSpec(info, configure(info, texts), path, device, amp, False, seed, probabilities=False)
    return spec, method_entry(spec, overrides=texts, name=name, licence=licence)


def _require_accepted(video: InputVideo, prompts: FramePrompts, info: MethodInfo) -> None:
    """Raise BadInputError where the method does not take corrections, and some are given."""
    if prompts.corrections and not method_class(info).takes_corrections:
        object_id, number = next(iter(prompts.corrections.items()))
        raise BadInputError(
            f"object {object_id} is given again on frame {video.frame_name(number)}: {info.name} takes no corrections; "
            "choose a method that does (vos-bench list methods), or give it once"
        )


def _old_results(folder: Path, videos: Sequence[InputVideo], *, overwrite: bool) -> list[Path]:
    """Return what an earlier call left in a folder, to be removed. Raises BadInputError where it must not be."""
    if folder.exists() and not folder.is_dir():
        raise BadInputError(f"--out {folder}: is a file; give a folder")
    remove_stale_parts(folder / FILE)
    for inside in ("masks", "overlay"):
        remove_stale_parts_below(folder / inside, ".mp4", ".png")
    if not folder.exists() or not any(folder.iterdir()):
        return []
    if not (folder / FILE).is_file():
        raise BadInputError(f"--out {folder}: holds files of another kind; give a new folder")
    record = read_segment_record(folder)
    if not overwrite:
        raise BadInputError(f"--out {folder}: holds results; give another folder, or --overwrite to replace them")
    written = {each.name: each.frame_names for each in record.sequences}
    wanted = {video.name: video.frame_names or () for video in videos}
    found = []
    for name in written | wanted:
        frames = {*written.get(name, ()), *wanted.get(name, ())}
        found += [*_old_label_maps(masks_folder(folder, name), frames), overlay_file(folder, name)]
    for path in found:
        require_no_link(path)
    return found


def _old_label_maps(folder: Path, names: Collection[str]) -> list[Path]:
    """Return the label maps in the folder of a sequence, and the folder itself behind them.

    Raises:
        BadInputError: It holds something else, which is not removed and would not stand among label maps.
    """
    require_no_link(folder)
    if not folder.is_dir():
        return []
    inside = [path for path in sorted(folder.iterdir()) if not is_leftover(path.name)]
    others = [path.name for path in inside if path.suffix != ".png" or not _is_frame(path.stem, names)]
    if others:
        raise BadInputError(
            f"{folder}: holds {shorten(others)}, which {FILE} does not name; expected its label maps alone: "
            "move other files away, or give another --out"
        )
    return [*inside, folder]


def _is_frame(name: str, names: Collection[str]) -> bool:
    """Say whether a frame has this name: one of a folder of frames, or of a video file, whose frames are numbered."""
    return name in names or (name.isascii() and name.isdigit() and name == numbered_frame(int(name)))


def _remove(paths: Iterable[Path]) -> None:
    for path in paths:
        try:
            if not path.is_dir():
                path.unlink(missing_ok=True)
            elif not any(path.iterdir()):  # else programs left something there
                path.rmdir()
        except OSError as error:
            raise BadInputError(
                f"{path}: cannot be removed: {error.strerror or error}; remove it, or give another --out"
            ) from error
