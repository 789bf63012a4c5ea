"""Whether whole layers fit together: coverages, networks, and layers laid over each other, measured in metres."""
