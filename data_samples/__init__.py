"""The sample town: a deterministic generator and its small output, all of it synthetic."""
