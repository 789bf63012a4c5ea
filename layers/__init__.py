"""What departments offer: manifests, the registry, the checker and how a layer is drawn."""
