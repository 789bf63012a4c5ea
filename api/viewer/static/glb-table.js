// The attributes of features inside a GLB: EXT_structural_metadata, property tables, looked up by feature id.

const NUMBERS = {
  INT8: Int8Array, UINT8: Uint8Array, INT16: Int16Array, UINT16: Uint16Array, INT32: Int32Array, UINT32: Uint32Array,
  INT64: BigInt64Array, UINT64: BigUint64Array, FLOAT32: Float32Array, FLOAT64: Float64Array,
};
const WIDTHS = { SCALAR: 1, VEC2: 2, VEC3: 3, VEC4: 4, MAT2: 4, MAT3: 9, MAT4: 16, ENUM: 1 };

/** @returns [{count, feature(row)}]; a feature is {id, properties}, by the names of the layer, what is unknown left out. */
export function readTables(document, view) {
  const { schema, propertyTables = [] } = document.extensions?.EXT_structural_metadata ?? {};
  return propertyTables.map((table) => readTable(schema, table, view));
}

function readTable(schema, { class: name, count, properties: places = {} }, view) {
  const described = schema.classes[name].properties ?? {};
  const columns = Object.entries(places).flatMap(([key, place]) => {
    const said = described[key];
    const value = reader(schema, said, place, view);
    return value ? [{ name: said.description ?? said.name ?? key, id: said.semantic === "ID", value }] : [];
  });
  const feature = (row) => {
    const properties = {};
    let id = null;
    for (const column of columns) {
      const value = column.value(row);
      if (column.id) id = value;
      else if (value !== undefined) properties[column.name] = value;
    }
    return { id: id ?? row, properties };
  };
  return { count, feature };
}

// A function of the row, or null for kinds of values that nobody here shows (lists of changing length).
function reader(schema, said, { values, stringOffsets, stringOffsetType = "UINT32" }, view) {
  if (said.array) return null;
  const bytes = view(values);
  const known = (value) => (value === said.noData ? undefined : value);
  if (said.type === "STRING") {
    const offsets = numbers(stringOffsetType, view(stringOffsets));
    const decoder = new TextDecoder();
    return (row) => known(decoder.decode(bytes.subarray(Number(offsets[row]), Number(offsets[row + 1]))));
  }
  if (said.type === "BOOLEAN") return (row) => Boolean((bytes[row >> 3] >> (row & 7)) & 1);
  const listed = said.type === "ENUM" ? schema.enums[said.enumType] : null;
  const stored = numbers(listed ? (listed.valueType ?? "UINT16") : said.componentType, bytes);
  if (listed) return (row) => known(listed.values.find(({ value }) => value === Number(stored[row]))?.name);
  const width = WIDTHS[said.type];
  if (width === 1) return (row) => known(Number(stored[row]));
  return (row) => Array.from(stored.subarray(row * width, (row + 1) * width), Number).join(", ");
}

function numbers(kind, bytes) {
  const Kind = NUMBERS[kind];
  const even = bytes.byteOffset % Kind.BYTES_PER_ELEMENT === 0 ? bytes : bytes.slice();
  return new Kind(even.buffer, even.byteOffset, Math.floor(even.byteLength / Kind.BYTES_PER_ELEMENT));
}
