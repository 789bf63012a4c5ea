"""A built scene on disk: tiles named by their content, and for each version of its layer the list of tiles that make it up."""
