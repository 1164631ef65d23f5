"""Both recorded train steps of the reference: logits, loss and the gradient of every parameter."""

import copy

import pytest
import torch

from vos_bench.methods.lwl.mini_sequence import MiniSequenceRunner, MiniSequenceSettings
from vos_bench.methods.lwl.names import from_reference
from vos_bench.training.losses import lovasz


@pytest.mark.parametrize(
    ("name", "online_update"), [("R_recipe_train_step", "released"), ("R_recipe_train_step_paper", "paper")]
)
def test_a_train_step_has_the_recorded_logits_loss_and_gradients(network, golden, monkeypatch, name, online_update):
    inputs, recorded = golden("R_recipe_train_step"), golden(name)
    trained = copy.deepcopy(network("mask")).requires_grad_(True)
    monkeypatch.setattr(trained, "scale_images", lambda scaled: scaled)
    model = MiniSequenceRunner(trained, MiniSequenceSettings(online_update=online_update))
    images = torch.cat([inputs["train_imgs"], inputs["test_imgs"]]).transpose(0, 1)
    logits = model(images, inputs["train_masks"].transpose(0, 1))
    loss = 100 * lovasz(logits.sigmoid(), inputs["test_masks"][:, :, None])
    loss.backward()

    torch.testing.assert_close(logits[:, :, 0], recorded["logits"], rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(loss, recorded["loss"], rtol=1e-5, atol=0)
    gradients = {name: parameter.grad for name, parameter in trained.named_parameters()}
    norms, heads = (
        from_reference({key.removeprefix(start): value for key, value in recorded.items() if key.startswith(start)})
        for start in ("gradnorm.", "gradhead.")
    )
    assert norms.keys() == gradients.keys()
    for name, norm in norms.items():
        torch.testing.assert_close(gradients[name].norm(), norm.reshape(()), rtol=2e-3, atol=1e-6, msg=name)
        own = gradients[name].flatten()[: heads[name].numel()]
        assert (own - heads[name]).abs().max() <= 2e-3 * norm + 1e-6, name
