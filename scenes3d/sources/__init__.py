"""What a city really has: point clouds, city models, meshes and tilesets, read with suspicion."""
