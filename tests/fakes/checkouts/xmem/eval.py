"""Evaluates as XMem's script does, on the calls above."""

import argparse
from pathlib import Path

import numpy as np
import torch
from inference.inference_core import InferenceCore
from model.network import XMem
from PIL import Image
from torch.nn import functional
from torchvision import transforms

parser = argparse.ArgumentParser()
for option in ("--model", "--dataset", "--generic_path", "--output"):
    parser.add_argument(option, required=True)
parser.add_argument("--size", type=int, required=True)
parser.add_argument("--benchmark", action="store_true")
options = parser.parse_args()
assert options.dataset == "G"
torch.set_grad_enabled(False)
network = XMem({}).cuda().eval()
network.load_weights(torch.load(options.model))
steps = [transforms.ToTensor(), transforms.Normalize((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))]
steps.append(transforms.Resize(options.size, transforms.InterpolationMode.BILINEAR))
preprocess = transforms.Compose(steps)
for video in (Path(options.generic_path) / "JPEGImages").iterdir():
    core, objects = InferenceCore(network, {}), []
    for path in sorted(video.iterdir()):
        image = Image.open(path).convert("RGB")
        shape = image.height, image.width
        prompt = Path(options.generic_path) / "Annotations" / video.name / (path.stem + ".png")
        planes = labels = None
        if prompt.is_file():
            given = np.array(Image.open(prompt))
            labels = [int(k) for k in np.unique(given) if k]
            objects += labels
            core.set_all_labels(objects)
            planes = torch.from_numpy(np.stack([given == k for k in objects]).astype(np.float32))
            size = [int(side / min(shape) * options.size) for side in shape]
            planes = functional.interpolate(planes[None], size, mode="nearest")[0]
        found = core.step(preprocess(image).cuda(), planes, labels)
        found = functional.interpolate(found[:, None], shape, mode="bilinear", align_corners=False)[:, 0]
        out = Path(options.output) / video.name
        out.mkdir(parents=True, exist_ok=True)
        Image.fromarray(found.argmax(dim=0).byte().numpy()).save(out / (path.stem + ".png"))
