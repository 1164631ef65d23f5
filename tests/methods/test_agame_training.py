"""How A-GAME is trained: what learns, what a clip is, which losses count."""

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional
from torchvision.models import resnet101

from vos_bench.methods.agame.network import AgameNetwork
from vos_bench.methods.agame.recipes import ALPHA, BETA, DAVIS_ALPHA, DAVIS_BETA, ClipTransform
from vos_bench.methods.agame.training import Answers, ClipNetwork, coarse_loss, fine_loss
from vos_bench.training.sampling import MiniSequence


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    return ClipNetwork(AgameNetwork(), 0.1)


def test_the_numbers_of_the_code_are_the_defaults():
    numbers = {
        recipe.name: (
            recipe.settings.epochs,
            recipe.settings.batch_size,
            1 + recipe.settings.frames.test_frames,
            (recipe.settings.height, recipe.settings.width),
            recipe.settings.learning_rates["network"],
            recipe.settings.weight_decay,
            recipe.settings.decay,
            recipe.settings.coarse,
        )
        for recipe in (ALPHA, BETA, DAVIS_ALPHA, DAVIS_BETA)
    }
    small, large = (8, (240, 432), 1e-4, 1e-5), (14, (480, 864), 1e-5, 1e-6)
    assert numbers["alpha"] == (160, 4, *small, 0.975, True)
    assert numbers["beta"] == (100, 2, *large, 0.985, False)
    assert numbers["davis-alpha"] == (80, 4, *small, 0.95, True)
    assert numbers["davis-beta"] == (100, 2, *large, 0.985, False)
    clips = {r.name: r.settings.steps_per_epoch * r.settings.batch_size for r in (BETA, DAVIS_ALPHA, DAVIS_BETA)}
    assert clips == {"beta": 120, "davis-alpha": 2600, "davis-beta": 118}
    assert DAVIS_ALPHA.schedule(650) == pytest.approx(0.95)


def test_the_trunks_last_stage_and_what_follows_it_learns(network):
    [group] = ALPHA.parameter_groups(network)
    names = {id(parameter): name for name, parameter in network.network.named_parameters()}
    learning = {names[id(parameter)] for parameter in group.parameters}
    assert {name for name in names.values() if not name.startswith("backbone.")} < learning
    trunk = {name.split(".")[1] for name in learning if name.startswith("backbone.")}
    assert trunk == {"layer4"}
    ALPHA.training_mode(network)
    moving = {name for name, part in network.network.named_modules()
              if isinstance(part, nn.BatchNorm2d) and part.training}  # fmt: skip
    assert moving
    assert all(name.startswith("backbone.layer4.") for name in moving)


def test_it_starts_from_torchvisions_names_and_he_uniform(tmp_path):
    path = tmp_path / "resnet101.pth"
    trunk = resnet101(weights=None)
    torch.save(trunk.state_dict(), path)
    start = ALPHA.configured((f'weights={{backbone="{path}"}}',)).build_network().get_submodule("network")
    assert torch.equal(start.backbone.layer4[2].conv2.weight, trunk.layer4[2].conv2.weight)
    layer = start.segmod.blend_s4.conv
    assert not layer.bias.any()
    assert layer.weight.detach().abs().max().item() == pytest.approx((6 / (256 * 9)) ** 0.5, rel=1e-2)
    assert start.appmod.conv_in.bias.any()


def clip(frames, zoom, seed):
    mask = np.zeros((60, 90), bool)
    mask[20:40, 30:60] = True
    image = np.where(mask[..., None], 200, 20).astype(np.uint8).repeat(3, 2)
    settings = DAVIS_ALPHA.settings.replace(height=48, width=80, zoom=zoom)
    return ClipTransform(settings)(MiniSequence([image] * frames, [mask] * frames), np.random.default_rng(seed), None)


def test_a_clip_is_resized_mirrored_as_a_whole_and_may_be_enlarged_more_and_more():
    still = [clip(3, 0.0, seed) for seed in range(8)]
    assert still[0]["images"].shape == (3, 3, 48, 80)
    assert all(torch.equal(batch["masks"][0], batch["masks"][2]) for batch in still)
    assert len({batch["masks"][0].numpy().tobytes() for batch in still}) == 2
    grown = clip(12, 0.1, 0)
    areas = grown["masks"].sum(dim=(1, 2))
    assert (areas.diff() >= 0).all()
    assert areas[-1] > 1.1 * areas[0]
    assert ((grown["images"][:, 0] > 110) == grown["masks"]).float().mean() > 0.97


def test_losses_are_likelihoods_over_all_frames_the_first_answered_by_its_mask():
    torch.manual_seed(0)
    answers = Answers(torch.randn(3, 2, 2, 32, 48), torch.randn(3, 2, 2, 2, 3))
    target = torch.randint(0, 2, (3, 2, 32, 48))
    fine = functional.cross_entropy(answers.fine.flatten(0, 1), target.flatten(0, 1))
    torch.testing.assert_close(fine_loss(answers, target), 0.75 * fine, rtol=1e-5, atol=1e-6)
    logarithms = answers.coarse.log_softmax(2).flatten(0, 1)
    enlarged = functional.interpolate(logarithms, size=(32, 48), mode="bilinear", align_corners=False)
    coarse = -enlarged.gather(1, target.flatten(0, 1)[:, None]).mean()
    torch.testing.assert_close(coarse_loss(answers, target), 0.75 * coarse, rtol=1e-5, atol=1e-6)


def test_gradients_run_through_the_updates(network):
    network.eval()
    nn.init.zeros_(network.network.fusmod.predictor[0].conv.weight)  # with random weights its softmax is all or nothing
    nn.init.zeros_(network.network.fusmod.predictor[0].conv.bias)
    images, masks = torch.randint(0, 256, (1, 3, 3, 32, 48)).float(), torch.zeros(1, 1, 32, 48)
    masks[..., 8:24, 8:24] = 1
    answers = network(images, masks)
    assert (answers.fine.shape, answers.coarse.shape) == ((2, 1, 2, 32, 48), (2, 1, 2, 2, 3))
    coarse = network.network.fusmod.predictor[0].conv.bias
    assert answers.coarse.abs().max() < 1e-6
    [gradient] = torch.autograd.grad(answers.fine[1].square().sum(), coarse)
    assert gradient.abs().sum() > 0
