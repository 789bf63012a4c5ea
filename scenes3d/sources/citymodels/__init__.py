"""CityJSON and CityGML: features with their surfaces, as delivered."""
