"""How masks and tracks lie on disk, where that is more than one label map a frame."""
