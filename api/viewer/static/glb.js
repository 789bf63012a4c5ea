// A tile of a scene: the triangles of its buildings, which building each vertex belongs to, and the buildings' attributes.
// Reads what scenes3d/glb writes: one primitive, EXT_mesh_features, EXT_structural_metadata, KHR_mesh_quantization.

const ARRAYS = { 5120: Int8Array, 5121: Uint8Array, 5122: Int16Array, 5123: Uint16Array, 5125: Uint32Array, 5126: Float32Array };
const WIDTHS = { SCALAR: 1, VEC2: 2, VEC3: 3, VEC4: 4 };
const NUMBERS = { INT64: BigInt64Array, FLOAT64: Float64Array, UINT8: Uint8Array };
const JSON_CHUNK = 20;

/** @returns {{positions, normals, indices, featureIds, count, feature}} positions are metres (x east, y up, z south) of the tile's frame */
export function readGlb(buffer) {
  const header = new DataView(buffer);
  if (header.getUint32(0, true) !== 0x46546c67) throw new Error("not a GLB");
  const length = header.getUint32(12, true);
  const document = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, JSON_CHUNK, length)));
  const start = JSON_CHUNK + length + 8;
  const view = ({ byteOffset = 0, byteLength }) => new Uint8Array(buffer, start + byteOffset, byteLength);
  const accessor = (number) => readAccessor(document, document.accessors[number], view);
  const [node] = document.nodes;
  const [primitive] = document.meshes[node.mesh].primitives;
  const { POSITION, NORMAL, _FEATURE_ID_0 } = primitive.attributes;
  const table = readTable(document, view);
  return {
    positions: placed(accessor(POSITION), node),
    normals: accessor(NORMAL),
    indices: accessor(primitive.indices),
    featureIds: accessor(_FEATURE_ID_0),
    ...table,
  };
}

// Elements without the padding between them.
function readAccessor(document, { bufferView, byteOffset = 0, componentType, count, type }, view) {
  const said = document.bufferViews[bufferView];
  const bytes = view(said);
  const Kind = ARRAYS[componentType];
  const width = WIDTHS[type];
  const stride = (said.byteStride ?? width * Kind.BYTES_PER_ELEMENT) / Kind.BYTES_PER_ELEMENT;
  const stored = new Kind(bytes.buffer, bytes.byteOffset + byteOffset, (count - 1) * stride + width);
  if (stride === width) return stored;
  const packed = new Kind(count * width);
  for (let i = 0; i < count; i++) for (let k = 0; k < width; k++) packed[i * width + k] = stored[i * stride + k];
  return packed;
}

function placed(stored, { translation = [0, 0, 0], scale = [1, 1, 1] }) {
  const positions = new Float64Array(stored.length);
  for (let i = 0; i < stored.length; i++) positions[i] = stored[i] * scale[i % 3] + translation[i % 3];
  return positions;
}

// Attributes by the names of the layer; unknown values are left out.
function readTable(document, view) {
  const { schema, propertyTables } = document.extensions.EXT_structural_metadata;
  const [table] = propertyTables;
  const described = schema.classes[table.class].properties;
  const columns = Object.entries(table.properties).map(([key, place]) => {
    const said = described[key];
    return { name: said.description ?? said.name, id: said.semantic === "ID", value: reader(document, said, place, view) };
  });
  const feature = (row) => {
    const properties = {};
    let id = null;
    for (const column of columns) {
      const value = column.value(row);
      if (column.id) id = value;
      else if (value !== undefined) properties[column.name] = value;
    }
    return { id, properties };
  };
  return { count: table.count, feature };
}

function reader(document, { type, componentType, noData }, { values, stringOffsets }, view) {
  const bytes = view(document.bufferViews[values]);
  const known = (value) => (value === noData ? undefined : value);
  if (type === "STRING") {
    const said = view(document.bufferViews[stringOffsets]);
    const offsets = new Uint32Array(said.buffer, said.byteOffset, said.byteLength / 4);
    const decoder = new TextDecoder();
    return (row) => known(decoder.decode(bytes.subarray(offsets[row], offsets[row + 1])));
  }
  const Kind = NUMBERS[componentType];
  const numbers = new Kind(bytes.buffer, bytes.byteOffset, bytes.byteLength / Kind.BYTES_PER_ELEMENT);
  return (row) => known(Number(numbers[row]));
}
