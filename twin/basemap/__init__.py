"""The reference base map: its layers, the classes of its features, and how OpenStreetMap extracts become it."""
