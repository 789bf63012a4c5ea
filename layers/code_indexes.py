"""The layers that carry codes are indexed by their codes: when data come in, and in older stores when codes are first asked for."""

from __future__ import annotations

import logging

from layers.code_layers import CodeLayers
from twin.errors import StoreBusyError, UnknownLayerError
from twin.store.port import Store

log = logging.getLogger(__name__)


def index_codes(store: Store, codes: CodeLayers, layer_id: str | None = None) -> None:
    """Index one layer, or all, by the properties that hold its codes. Layers that are not there, or have none, are passed over.

    A store that is busy is left as it is: codes are then found by reading the layer, until the next time.
    """
    for source in codes.layers:
        if layer_id not in (None, source.layer):
            continue
        try:
            if source.property in store.layer(source.layer).schema:
                store.index(source.layer, [source.property])
        except UnknownLayerError:
            continue
        except StoreBusyError as error:
            log.warning("Layer %s is not indexed by its codes yet: %s", source.layer, error)
