"""The sample town: a believable Jiaozhou drawn by chance and by hand, none of it surveyed."""

from __future__ import annotations

from data_samples.town.sample import SEED, SampleFile, generate

__all__ = ["SEED", "SampleFile", "generate"]
