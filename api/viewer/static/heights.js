// Terrain-RGB images → heights, the shade of a hill, and a mesh. Runs in workers.
// Source of the packing: Mapbox terrain-RGB, height = -10000 + (R * 65536 + G * 256 + B) * 0.1.

/** Heights of one image: {side, heights: Float32Array, row by row from the north-west}; null where none is known. */
export async function fetchHeights(url, signal) {
  const answer = await fetch(url, { signal });
  if (answer.status === 204 || answer.status === 404) return null;
  if (!answer.ok) throw Object.assign(new Error(String(answer.status)), { status: answer.status });
  // As it was packed: a colour profile would change heights by metres.
  const picture = await createImageBitmap(await answer.blob(), { colorSpaceConversion: "none", premultiplyAlpha: "none" });
  const pen = new OffscreenCanvas(picture.width, picture.height).getContext("2d", { willReadFrequently: true });
  pen.drawImage(picture, 0, 0);
  return unpack(pen.getImageData(0, 0, picture.width, picture.height).data, picture.width);
}

/** Four bytes a pixel → heights in metres. */
export function unpack(pixels, side) {
  const heights = new Float32Array(pixels.length / 4);
  for (let i = 0; i < heights.length; i++) {
    heights[i] = (pixels[4 * i] * 65536 + pixels[4 * i + 1] * 256 + pixels[4 * i + 2] - 100000) / 10;
  }
  return { side, heights };
}

/** The image that covers a tile, and which part of it: {x, y, z, left, top, size}, the part in fractions of the image. */
export function coveringTile({ x, y, z }, deepest) {
  const levels = Math.max(0, z - deepest);
  const count = 2 ** levels;
  return { z: z - levels, x: Math.floor(x / count), y: Math.floor(y / count), left: (x % count) / count, top: (y % count) / count, size: 1 / count };
}

/** The address of an image. */
export const addressOf = (template, { z, x, y }) => template.replace("{z}", z).replace("{x}", x).replace("{y}", y);

/** Height at a place of the image (0…1, from the north-west), between its pixels' middles. */
export function heightAt({ side, heights }, u, v) {
  const x = Math.min(side - 1, Math.max(0, u * side - 0.5));
  const y = Math.min(side - 1, Math.max(0, v * side - 0.5));
  const [i, j] = [Math.min(side - 2, Math.floor(x)), Math.min(side - 2, Math.floor(y))];
  const [s, t] = [x - i, y - j];
  const at = j * side + i;
  const north = heights[at] + s * (heights[at + 1] - heights[at]);
  const south = heights[at + side] + s * (heights[at + side + 1] - heights[at + side]);
  return north + t * (south - north);
}

/**
 * Light from the north-west, 45° high, as on printed maps: pixels of one shade over whatever lies below.
 * @param metres width of a pixel on the ground
 * @returns Uint8ClampedArray, four bytes a pixel: dark and light by their alpha, level ground clear
 * Source: B. K. P. Horn, "Hill shading and the reflectance map", 1981.
 */
export function shade({ side, heights }, metres, strength = 1) {
  const pixels = new Uint8ClampedArray(4 * side * side);
  const level = Math.SQRT1_2;
  const at = (i, j) => heights[Math.min(side - 1, Math.max(0, j)) * side + Math.min(side - 1, Math.max(0, i))];
  for (let j = 0; j < side; j++) {
    for (let i = 0; i < side; i++) {
      // At the edges of the image the slope is taken over one pixel, not two.
      const across = (Math.min(side - 1, i + 1) - Math.max(0, i - 1)) * metres;
      const down = (Math.min(side - 1, j + 1) - Math.max(0, j - 1)) * metres;
      const east = (at(i + 1, j - 1) + 2 * at(i + 1, j) + at(i + 1, j + 1) - at(i - 1, j - 1) - 2 * at(i - 1, j) - at(i - 1, j + 1)) / (4 * across);
      const south = (at(i - 1, j + 1) + 2 * at(i, j + 1) + at(i + 1, j + 1) - at(i - 1, j - 1) - 2 * at(i, j - 1) - at(i + 1, j - 1)) / (4 * down);
      const lit = (level + 0.5 * (east + south)) / Math.sqrt(1 + east * east + south * south);
      const difference = (Math.max(0, lit) - level) * strength;
      const n = 4 * (j * side + i);
      const tone = difference < 0 ? [38, 42, 66] : [255, 252, 240];
      pixels[n] = tone[0];
      pixels[n + 1] = tone[1];
      pixels[n + 2] = tone[2];
      pixels[n + 3] = difference < 0 ? Math.min(120, -difference * 190) : Math.min(110, difference * 170);
    }
  }
  return pixels;
}

/**
 * A mesh over a tile in the units of deck.gl's tiles: x and y 0…1 (y down), z in metres times `scale`; a skirt hides the joints.
 * @param part of `coveringTile`
 */
export function mesh(terrain, part, scale, cells = 64, skirt = 0) {
  const side = cells + 3; // one row of skirt all round
  const positions = new Float32Array(3 * side * side);
  const texCoords = new Float32Array(2 * side * side);
  const inner = (n) => Math.min(cells, Math.max(0, n - 1)) / cells;
  for (let j = 0, n = 0; j < side; j++) {
    for (let i = 0; i < side; i++, n++) {
      const [u, v] = [inner(i), inner(j)];
      const low = i === 0 || j === 0 || i === side - 1 || j === side - 1 ? skirt : 0;
      positions[3 * n] = u;
      positions[3 * n + 1] = v;
      positions[3 * n + 2] = scale * (heightAt(terrain, part.left + u * part.size, part.top + v * part.size) - low);
      texCoords[2 * n] = part.left + u * part.size;
      texCoords[2 * n + 1] = part.top + v * part.size;
    }
  }
  const indices = new Uint32Array(6 * (side - 1) * (side - 1));
  for (let j = 0, k = 0; j + 1 < side; j++) {
    for (let i = 0; i + 1 < side; i++) {
      const n = j * side + i;
      indices.set([n, n + side, n + 1, n + 1, n + side, n + side + 1], k);
      k += 6;
    }
  }
  return { positions, texCoords, indices };
}
