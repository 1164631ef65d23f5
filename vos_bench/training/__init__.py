"""Training that knows no network: one loop, mini-sequences, augmentation, checkpoints, many processes."""
