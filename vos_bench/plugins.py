"""What plugins say of themselves. Light, so that everything installed can be listed without loading any of it."""

from __future__ import annotations

from dataclasses import dataclass, fields, is_dataclass
from typing import TYPE_CHECKING, Any, Literal, get_type_hints

if TYPE_CHECKING:
    from collections.abc import Mapping

    from vos_bench.api import PromptKind


@dataclass(frozen=True)
class WeightsInfo:
    """Where the parameters of a method come from.

    Attributes:
        name: What `--weights` calls them.
        location: A file inside the package (relative to the method's folder), or a web address; empty for parameters
            that the method's recipes make and nobody has published yet.
        sha256: The file's hash, None where nobody published one.
        licence: Licence of the weights, with that of their training data where it restricts use.
        note: What they were trained on; for a file that must be fetched by hand, how to do it.
    """

    name: str
    location: str
    sha256: str | None
    licence: str
    note: str


@dataclass(frozen=True)
class RecipeInfo:
    """What is known of a training recipe without importing it.

    Attributes:
        name: What `--recipe` calls it.
        summary: One sentence.
        factory: `module:attribute` of the `vos_bench.training.recipe.Recipe`.
    """

    name: str
    summary: str
    factory: str


def recipes_of(module: str, summaries: Mapping[str, str]) -> tuple[RecipeInfo, ...]:
    """Describe the recipes of a module by their names: the recipe `a-b` is its constant `A_B`."""
    return tuple(
        RecipeInfo(name, summary, f"{module}:{name.upper().replace('-', '_')}") for name, summary in summaries.items()
    )


@dataclass(frozen=True)
class AblationInfo:
    """What is known of an ablation without importing it.

    Attributes:
        scale: What `--scale` calls it.
        summary: One sentence.
        factory: `module:attribute` of the `vos_bench.ablation.plan.AblationPlan`.
    """

    scale: str
    summary: str
    factory: str


@dataclass(frozen=True)
class MethodInfo:
    """What is known of a method without importing it. A `vos_bench.methods` entry point names an instance of this.

    Attributes:
        name: The method's name on the command line.
        summary: One sentence.
        factory: `module:Class` of the `Method` or `SequenceMethod`; imported only when the method is built.
        licence: Licence of the code.
        prompts: What it can start from. For a method without `box`, masks are made of boxes.
        weights: Parameters to choose from, the default first; empty for a method without any.
        reference: The paper or the system that it follows.
        deviations: What differs from the original.
        converter: `module:function` that turns a foreign file of parameters into safetensors, called as
            `function(path, out)`; empty where there is none to convert.
        recipes: How to train it; empty for a method that is not trained here.
        ablations: What its parts add, measured by `vos-bench ablate`; empty where it offers none.
        untrained: Whether it also runs with random parameters, when `--weights untrained` asks for that.
        row: `native` for code of this package or of a plugin; `adapter` for a system that runs as its authors
            released it, in a process and an environment of its own.
        install: How to get that system, or the packages that a native method needs besides; empty where nothing is.
        runs_command: Whether it runs any program that the user names, by its setting `command`.
        packages: Distributions that the method computes with besides those of vos-bench; a record has their versions.
        weights_finder: `module:function` for parameters that are not one file: called as `function(info, given)` with
            what `--weights` or the configuration said, it returns `vos_bench.weights.ChosenWeights`; empty where
            parameters are a file.
        default: Whether `vos-bench segment` takes it where the user names no method.
    """

    name: str
    summary: str
    factory: str
    licence: str = "MIT"
    prompts: frozenset[PromptKind] = frozenset({"mask"})
    weights: tuple[WeightsInfo, ...] = ()
    reference: str = ""
    deviations: tuple[str, ...] = ()
    converter: str = ""
    recipes: tuple[RecipeInfo, ...] = ()
    ablations: tuple[AblationInfo, ...] = ()
    untrained: bool = False
    row: Literal["native", "adapter"] = "native"
    install: str = ""
    runs_command: bool = False
    packages: tuple[str, ...] = ()
    weights_finder: str = ""
    default: bool = False


@dataclass(frozen=True)
class DatasetInfo:
    """What is known of a dataset without opening it. A `vos_bench.datasets` entry point names an instance of this.

    Attributes:
        name: The dataset's name on the command line.
        summary: One sentence.
        factory: `module:Class` of the `Dataset`, called as `Class(root, split=...)`.
        splits: All splits, the default first.
        needs_root: False for a dataset that the package makes itself.
        has_server: Whether a server takes label maps of a split without public truth, as a zip that `package` writes.
        folders: Names under which its root is looked for in `VOS_BENCH_DATA`, besides the dataset's own.
        licence: Licence of the data.
        download: `module:function` that fetches a split into a folder, called as `function(root, split=...)`; it
            returns the root, or the one file that it fetched. Empty where the licence forbids that.
        own_truth: Whether `--truth` takes a tree of truth in the dataset's own layout, with its lists and without
            frames; then the factory opens one as `Class(truth, split=..., truth_alone=True)`. Else `--truth` takes one
            folder of label maps a sequence.
        truth_alone: Whether it can only be scored with `--truth`: no run and no check.
        source: Where the authors offer it.
        citation: The paper to cite.
        frames_folder: `module:function` that opens any folder of frames without label maps, called as
            `function(folder)`; it returns a `Sequence` without prompts. Empty where the dataset knows no such folders.
    """

    name: str
    summary: str
    factory: str
    splits: tuple[str, ...]
    needs_root: bool = True
    has_server: bool = True
    folders: tuple[str, ...] = ()
    licence: str = ""
    download: str = ""
    own_truth: bool = False
    truth_alone: bool = False
    source: str = ""
    citation: str = ""
    frames_folder: str = ""


@dataclass(frozen=True)
class ReportInfo:
    """What is known of a report without importing it. A `vos_bench.reports` entry point names an instance of this.

    Attributes:
        name: The report's name.
        summary: One sentence.
        factory: `module:function`. Of a table: takes a list of `vos_bench.records.Run` and returns a
            `vos_bench.tables.Table`. Of a figure or a page: takes that list and `ReportOptions`, writes files and
            returns their paths.
        kind: What it makes.
        reads: `runs`, or `folders` for a report that looks into the named folders itself and gets no runs.
        published: Whether a table holds runs against published methods, sequence by sequence: its function is then
            called as `function(runs, published=names)`.
        of_suites: Whether `vos-bench suite` makes it of all its runs, for a page: into a folder of its name.
        takes: Which options a figure or a page heeds besides `--out`: `--root`, `--sequences`; of any other it is
            said that it has no effect. A table with `--sequences` is given runs that are averaged over the chosen
            sequences, without times, unless it has `options`; one without refuses the option.
        options: Whether a table looks at more than the records: its function is then called as
            `function(runs, options)`, with `ReportOptions` whose `out` is nothing to it.
    """

    name: str
    summary: str
    factory: str
    kind: Literal["table", "figure", "page"] = "table"
    reads: Literal["runs", "folders"] = "runs"
    published: bool = False
    of_suites: bool = False
    takes: tuple[str, ...] = ("--root", "--sequences")
    options: bool = False


@dataclass(frozen=True)
class LoggerInfo:
    """What is known of a logger without importing it. A `vos_bench.loggers` entry point names an instance of this.

    Attributes:
        name: What `vos-bench log --to` calls it.
        summary: One sentence.
        factory: `module:Class` of the `vos_bench.records.logger.Logger`, called as `Class(about)` with `--about`.
        about: The names that `--about` takes.
    """

    name: str
    summary: str
    factory: str
    about: tuple[str, ...] = ()


@dataclass(frozen=True)
class KnownSystem:
    """A system of the field that does not run here. A `vos_bench.systems` entry point names a function that lists some.

    Attributes:
        name: As `vos-bench import --method` calls it.
        published: Its name in the table of published scores.
        summary: One sentence.
        reference: Its paper, and where its code lies.
        licence: Licence of its code.
        weights: Whether there are any, in words.
        weights_licence: Licence of these.
        masks: Where its released label maps lie; empty where there are none.
        verified: The data on which these are scored to their published figures, frame by frame; empty: not tested.
        note: What a reader of its row should know.
    """

    name: str
    published: str
    summary: str
    reference: str
    licence: str
    weights: str
    weights_licence: str
    masks: str = ""
    verified: str = ""
    note: str = ""

    @property
    def row(self) -> Literal["results-only, verified", "results-only", "published only"]:
        """What kind of row it has in tables."""
        if self.verified:
            return "results-only, verified"
        return "results-only" if self.masks else "published only"


def wrong_field(described: Any) -> str:
    """Return which field of a description holds something of another type than it says, and what; empty for none.

    Args:
        described: An instance of a class of this module, or another dataclass.
    """
    from pydantic import TypeAdapter, ValidationError  # here, since descriptions of vos-bench itself are not looked at

    from vos_bench.api import PromptKind

    hints = get_type_hints(type(described), localns={"PromptKind": PromptKind})
    for each in fields(described):
        value = getattr(described, each.name)
        try:
            TypeAdapter(hints[each.name]).validate_python(value)
        except ValidationError as error:
            return f"{each.name} is {value!r:.100}: {error.errors()[0]['msg']}"
        for inner in value if isinstance(value, tuple) else ():
            if is_dataclass(inner) and (found := wrong_field(inner)):
                return f"{each.name}: {found}"
    return ""
