"""GLB, the container of glTF 2.0: the little of it that scenes are made of, written byte for byte the same, read with suspicion."""
