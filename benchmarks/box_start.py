"""What it costs to start a method that takes masks from boxes, by the box-to-mask starts of `vos-bench segment`.

    python benchmarks/box_start.py --davis DAVIS --out benchmarks/box_start.json

Every object of the demo and of DAVIS 2016 val starts from its true first mask, or from a mask that is made of the
smallest box around that. Scores are J&F by the dataset's protocol; DAVIS scores no first frame, so that what is
measured is how well the objects are followed. Each figure has the commit that it was measured at; those that the file
holds already, of the same weights, are not measured again.
"""

import argparse
import json
from pathlib import Path
from tempfile import TemporaryDirectory

import vos_bench
from vos_bench import registry
from vos_bench.api import Dataset, Prompt, Sequence
from vos_bench.environment import collect_environment
from vos_bench.parts.box_start import BoxFill, masks_of
from vos_bench.weights import choose, weights_sha256

STARTS: tuple[BoxFill, ...] = ("grabcut", "ellipse", "rectangle")


class FromBoxes:
    """A dataset or one of its sequences whose masks are made of their boxes; all else is as it was."""

    def __init__(self, inner: Dataset | Sequence, fill: BoxFill) -> None:
        self._inner, self._fill = inner, fill

    def __getattr__(self, name: str) -> object:
        return getattr(self._inner, name)

    def sequence(self, name: str) -> "FromBoxes":
        """Return a sequence of the dataset in this form."""
        return FromBoxes(self._inner.sequence(name), self._fill)

    def read_prompt(self, frame_name: str) -> Prompt:
        """Return masks that were made of the boxes of a sequence's objects."""
        boxes = self._inner.read_prompt(frame_name).as_boxes()
        return masks_of(boxes, self._inner.read_frame(frame_name), fill=self._fill, seed=0)

    def fingerprint(self) -> str:
        """Return another one than that of the dataset, which has other prompts."""
        return f"{self._inner.fingerprint()}-{self._fill}"

    def __len__(self) -> int:
        return len(self._inner)

    def __iter__(self) -> object:
        return map(self.sequence, self._inner.sequence_names)


def measured(method: str, dataset: Dataset, start: BoxFill | None) -> float:
    """Return J&F where all objects start from masks that are made of boxes, or from their true masks."""
    opened = dataset if start is None else FromBoxes(dataset, start)
    with TemporaryDirectory() as out:
        return vos_bench.run(method, opened, out=out).scores["J&F"]


def weights_of(method: str) -> str | None:
    """Return the sha256 of the weights that the method runs with, None where it has none."""
    chosen = choose(registry.method(method), None)
    return weights_sha256(Path(chosen.path)) if chosen else None


def known_scores(path: Path, method: str, weights: str | None) -> dict[str, dict[str, dict[str, object]]]:
    """Return the figures that the file holds of this method with these weights."""
    record = json.loads(path.read_text()) if path.exists() else {}
    return record["J&F"] if (record.get("method"), record.get("weights")) == (method, weights) else {}


def main() -> None:
    """Measure and write the record, after each figure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--method", default="lwl-lite")
    parser.add_argument("--davis", type=Path, required=True, help="the root of DAVIS 2016")
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    environment = collect_environment("").to_data()
    weights = weights_of(options.method)
    scores = known_scores(options.out, options.method, weights)
    davis = registry.open_dataset("davis16", root=options.davis, split="val")
    for name, dataset in {"demo": registry.open_dataset("demo"), "davis16 val": davis}.items():
        found = scores.setdefault(name, {})
        for start in (None, *STARTS):
            title = start or "mask"
            if title not in found:
                score = measured(options.method, dataset, start)
                found[title] = {"score": score, "commit": environment["git"]["commit"]}
                record = {"method": options.method, "weights": weights, "J&F": scores, "environment": environment}
                options.out.write_text(json.dumps(record, indent=2) + "\n")
            print(f"{options.method} on {name}, {title}: {100 * found[title]['score']:.1f}", flush=True)


if __name__ == "__main__":
    main()
