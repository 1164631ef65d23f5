from torch.utils import model_zoo  # noqa: F401 - what the adapter takes the download out of


def load_weights_add_extra_dim(target, source_state, extra_dim=1):
    target.load_state_dict(source_state)
