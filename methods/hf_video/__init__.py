"""Three systems of today by the package transformers: no clone, no environment of their own."""

from vos_bench.plugins import MethodInfo, WeightsInfo

_INSTALL = "pip install '.[hf]' (transformers 5.24 or later)"
_PACKAGES = ("huggingface-hub", "transformers")
_FINDER = "vos_bench.methods.hf_video.folders:find_weights"
_FETCH = (
    "--weights {name} fetches {repository} from the Hugging Face hub; without a network, give a folder that "
    "`hf download {repository} --local-dir FOLDER` fetched elsewhere."
)


def _weights(name: str, repository: str, licence: str, more: str = "") -> WeightsInfo:
    note = _FETCH.format(name=name, repository=repository) + more
    return WeightsInfo(name, f"https://huggingface.co/{repository}", None, licence, note)


SAM2_HF = MethodInfo(
    name="sam2-hf",
    summary="SAM 2 and 2.1, every size, by transformers in this process.",
    factory="vos_bench.methods.hf_video.method:Sam2Hf",
    prompts=frozenset({"mask", "box"}),
    weights=tuple(
        _weights(f"sam{version}-{size}", f"facebook/sam{version}-hiera-{size}", "Apache-2.0")
        for version in ("2.1", "2")
        for size in ("base-plus", "tiny", "small", "large")
    ),
    reference="Ravi et al., SAM 2, 2024; github.com/facebookresearch/sam2",
    deviations=(
        "float32 unless --amp bf16 is given, where the authors' script has bf16 autocast on",
        "for videos of fewer than 16 frames the authors scale the ages of object pointers by the number of frames: "
        "give it as --set video_frames=N",
    ),
    converter="vos_bench.methods.hf_video.official:convert",
    untrained=True,
    install=_INSTALL,
    packages=_PACKAGES,
    weights_finder=_FINDER,
)

EDGETAM_HF = MethodInfo(
    name="edgetam-hf",
    summary="EdgeTAM by transformers in this process.",
    factory="vos_bench.methods.hf_video.method:EdgeTamHf",
    prompts=frozenset({"mask", "box"}),
    weights=(_weights("edgetam", "yonigozlan/EdgeTAM-hf", "Apache-2.0"),),
    reference="Zhou et al., EdgeTAM, CVPR 2025; github.com/facebookresearch/EdgeTAM",
    deviations=(
        "never compared with the authors' package; frames and prompts are prepared as for SAM 2, whose code it shares",
        "memories are kept in float32, where SAM 2 rounds them to bf16",
    ),
    untrained=True,
    install=_INSTALL,
    packages=_PACKAGES,
    weights_finder=_FINDER,
)

SAM3_HF = MethodInfo(
    name="sam3-hf",
    summary="The tracker of SAM 3, started from masks or boxes, by transformers in this process.",
    factory="vos_bench.methods.hf_video.method:Sam3Hf",
    prompts=frozenset({"mask", "box"}),
    weights=(
        _weights(
            "sam3",
            "facebook/sam3",
            "SAM License",
            " The repository is gated: accept its licence on the hub and log in with `hf auth login`.",
        ),
    ),
    reference="Carion et al., SAM 3, 2025; github.com/facebookresearch/sam3",
    deviations=(
        "never compared with the authors' package",
        "float32 unless --amp bf16 is given, where the authors have bf16 autocast on",
        "the tracker alone: what the detector of SAM 3 would find on later frames corrects nothing",
    ),
    untrained=True,
    install=_INSTALL,
    packages=_PACKAGES,
    weights_finder=_FINDER,
)
