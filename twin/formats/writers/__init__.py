"""One writer for each export format; `twin.formats.export` picks among them."""
