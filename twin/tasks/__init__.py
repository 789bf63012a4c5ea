"""Long work cut into units and handed out: in this thread, to processes of this machine, or to a Dask cluster, with the same outcome."""
