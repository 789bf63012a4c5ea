"""What a tile shows where it cannot show every feature: clusters, later features, coarser ones."""
