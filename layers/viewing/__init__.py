"""From layers and their styles to the description of a view. Knows styles, not HTTP."""
