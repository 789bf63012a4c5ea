"""The page's own files and how they are served. Views themselves are composed in `layers.compose`."""
