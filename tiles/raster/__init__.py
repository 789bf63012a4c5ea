"""Rasters: any picture or grid that GDAL reads becomes a COG beside the data store, a row in its book, and tiles in every grid.

A *raster* has an id and one or more *images*, each with its date: a mosaic over time. `RasterBook(store, folder)` is the door:
`book.dataset(id)` gives the newest `RasterRecord` (`path`, `vertical_datum`, `bounds`, `nodata`, …), `book.images(id)` all of them.
"""
