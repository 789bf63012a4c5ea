"""Analyses of what the layers and terrains of a server hold: questions checked, material gathered, answers that say what they rest on."""
