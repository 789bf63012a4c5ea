// A tile of points in the format of 3D Tiles 1.0, as scenes3d/points writes it on request: what loaders.gl read of it, in the words of glb.js.

const BYTES = { UNSIGNED_BYTE: Uint8Array, UNSIGNED_SHORT: Uint16Array };

/** @param content {attributes: {positions, colors}, batchTableJson, batchTableBinary} of loaders.gl; positions are metres, z up */
export function readPnts({ attributes: { positions, colors }, batchTableJson = {}, batchTableBinary, pointsLength: count }) {
  const stored = ArrayBuffer.isView(positions) ? positions : positions.value;
  const turned = new Float64Array(stored.length); // to y up, as in a GLB
  for (let i = 0; i < stored.length; i += 3) turned.set([stored[i], stored[i + 2], -stored[i + 1]], i);
  const column = (name) => {
    const { byteOffset, componentType } = batchTableJson?.[name] ?? {};
    if (byteOffset === undefined) return null;
    const Kind = BYTES[componentType];
    return new Kind(batchTableBinary.slice(byteOffset, byteOffset + count * Kind.BYTES_PER_ELEMENT).buffer);
  };
  const tints = colors && new Uint8Array(4 * count).fill(255);
  for (let i = 0; tints && i < count; i++) for (let k = 0; k < 3; k++) tints[4 * i + k] = colors.value[colors.size * i + k];
  const part = { mode: 0, positions: turned, tints, classes: column("Classification"), intensities: column("Intensity") };
  return { parts: [part], tables: [], pictures: [] };
}
