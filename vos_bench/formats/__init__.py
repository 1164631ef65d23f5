"""How label maps, masks and tracks lie on disk: PNG files, folders of masks, JSON files, probabilities."""
