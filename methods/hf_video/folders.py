"""Which folder of parameters is meant: one at hand, or a repository of the Hugging Face hub."""

import importlib
import re
from pathlib import Path

from vos_bench.errors import BadInputError
from vos_bench.files import read_bytes
from vos_bench.files.places import expanded
from vos_bench.plugins import MethodInfo
from vos_bench.weights import ChosenWeights

HUB = "https://huggingface.co/"
_REPOSITORY = re.compile(r"(?P<name>[\w.-]+/[\w.-]+)(?:@(?P<revision>[\w./-]+))?")
_COMMIT = re.compile(r"[0-9a-f]{40}")
_FILES = ("config.json", "*.safetensors", "*.safetensors.index.json")
"""What is fetched and read of a repository."""


def find_weights(info: MethodInfo, given: str) -> ChosenWeights:
    """Return the folder that `--weights` means, fetched from the hub where it is not at hand.

    Args:
        info: The method.
        given: A folder; one of the method's names for weights; or OWNER/NAME of a repository of the hub, or
            OWNER/NAME@REVISION.

    Raises:
        BadInputError: There is no such folder, and the hub cannot give it.
    """
    path = expanded(given)
    if path.is_dir():
        revision = _revision(path)
        return ChosenWeights(path, f"{path.resolve().name}@{revision}" if revision else path.resolve().name, "")
    if path.is_file():
        raise BadInputError(
            f"{path}: found a file, expected a folder with config.json and model.safetensors"
            + (f"; turn it into one: vos-bench convert {info.name} {path} --out FOLDER" if info.converter else "")
        )
    known = {weights.name: weights for weights in info.weights}
    if given in known:
        return _download(info, known[given].location.removeprefix(HUB), None, known[given].licence)
    if found := _REPOSITORY.fullmatch(given):
        licence = next((each.licence for each in info.weights if each.location == HUB + found["name"]), "")
        return _download(info, found["name"], found["revision"], licence)
    raise BadInputError(
        f"{path}: there is no such folder of weights; expected one with config.json and model.safetensors\n"
        "  or a repository of the Hugging Face hub as OWNER/NAME\n"
        f"  or one of {', '.join(known)}"
    )


def _download(info: MethodInfo, repository: str, revision: str | None, licence: str) -> ChosenWeights:
    try:
        hub = importlib.import_module("huggingface_hub")
    except ImportError:
        raise BadInputError(f"{info.name}: to fetch {repository}, pip install '.[hf]'") from None
    try:
        folder = Path(hub.snapshot_download(repository, revision=revision, allow_patterns=list(_FILES)))
    except Exception as error:
        line = " ".join(str(error).split())[:200]
        raise BadInputError(
            f"{repository}: there is no such folder here, and the Hugging Face hub did not give it ({line})\n"
            "  where there is a network, fetch it, then give --weights FOLDER:\n"
            f"  hf download {repository} --local-dir FOLDER"
        ) from None
    return ChosenWeights(folder, f"{repository}@{folder.name}", licence)


def _revision(folder: Path) -> str:
    """Return the commit of the hub that a folder was fetched at: by the hub's cache, or by `hf download`; else ''."""
    if folder.resolve().parent.name == "snapshots" and _COMMIT.fullmatch(folder.resolve().name):
        return folder.resolve().name
    note = folder / ".cache" / "huggingface" / "download" / "config.json.metadata"
    try:
        first = read_bytes(note, most=4096).decode("ascii", "replace").splitlines()[0]
    except (OSError, IndexError, BadInputError):
        return ""
    return first if _COMMIT.fullmatch(first) else ""
