"""How well a scene agrees with surveyed points: residuals in plane and height, and what they sum up to."""
