// The functions a view may name ({"@@function": …}); layers/viewing/checks.py holds the same list. Each takes its
// arguments from the composer and gives what deck.gl wants. A missing value is never drawn as zero.

const CLEAR = [0, 0, 0, 0];

// Squares of the density grid carry _count: the more features, the stronger the layer's colour.
function densityColor([r, g, b], count) {
  return [r, g, b, Math.min(215, 38 + 62 * Math.log10(1 + count))];
}

// A cluster of points carries _count, too; its circle has the layer's own colour and grows with the number.
const clusterRadius = (count) => Math.min(22, 7 + 4.5 * Math.log10(count));

function onRamp(stops, value) {
  if (value <= stops[0][0]) return stops[0][1];
  for (let i = 1; i < stops.length; i++) {
    const [end, to] = stops[i];
    if (value <= end) {
      const [start, from] = stops[i - 1];
      const t = (value - start) / (end - start);
      return from.map((channel, k) => channel + t * (to[k] - channel));
    }
  }
  return stops.at(-1)[1];
}

function color({ property, values, stops, fallback, density, clusters }) {
  const table = values && new Map(values);
  return ({ properties }) => {
    if (properties._count !== undefined) return clusters ? [...density, 225] : densityColor(density, properties._count);
    const value = property === undefined ? undefined : properties[property];
    if (value === undefined || value === null) return fallback;
    if (table) return table.get(String(value)) ?? fallback;
    return stops && Number.isFinite(Number(value)) ? onRamp(stops, Number(value)) : fallback;
  };
}

// Squares have no edge; a cluster has one, in the alarm's colour where a point of it is in alarm.
const outline = ({ fallback, alarm }) => ({ properties }) => {
  if (properties._count === undefined) return fallback;
  if (!alarm) return CLEAR;
  return properties._alarms > 0 ? alarm : fallback;
};

const ring = ({ width }) => ({ properties }) => (properties._alarms > 0 ? width + 2 : width);

const densityOnly = ({ density }) => ({ properties }) =>
  properties._count === undefined ? CLEAR : densityColor(density, properties._count);

function number({ property, values, fallback, extra = 0, clusters }) {
  const table = new Map(values);
  return ({ properties }) =>
    clusters && properties._count !== undefined ? clusterRadius(properties._count) : (table.get(String(properties[property])) ?? fallback) + extra;
}

function height({ property, scale }) {
  return ({ properties }) => {
    const value = Number(properties[property]);
    return Number.isFinite(value) ? value * scale : 0;
  };
}

const icon = ({ name }) => ({ properties }) => (properties._count === undefined ? name : "");

/** The catalogue, bound to the source that loads tiles. */
export function createFunctions(source) {
  const fetchTile = (options) => (url, { loadOptions, signal }) =>
    source.load(options, url, loadOptions.mvt.tileIndex, signal);
  return { fetchTile, color, outline, densityOnly, number, ring, height, icon };
}
