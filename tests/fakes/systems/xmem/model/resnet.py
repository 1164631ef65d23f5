"""A download that fails, as where there is no network."""


class model_zoo:  # noqa: N801
    @staticmethod
    def load_url(address, **_):
        raise OSError(address + ": no network")


def load_weights_add_extra_dim(target, source_state, extra_dim=1):
    target.load_state_dict(source_state)


def resnet50(pretrained=True):
    load_weights_add_extra_dim(None, model_zoo.load_url("https://download.pytorch.org/models/resnet50-19c8e357.pth"))
