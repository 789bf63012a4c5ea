// From the JSON Schema of an input to the field that a form shows for it.

const UNITS = [[/_m3$/, "m³"], [/_m2$/, "m²"], [/_per_m$/, ""], [/_m$/, "m"], [/_deg$/, "°"], [/_min$/, "min"], [/_px$/, "px"], [/_hour$/, "h"]];

/** The unit that a name of the API ends in; empty where it has none. */
export const unitOf = (name) => UNITS.find(([pattern]) => pattern.test(name))?.[1] ?? "";

const isPoint = (schema) => schema.type === "array" && schema.items?.type === "number" && schema.minItems === 2 && schema.maxItems === 2;

/**
 * One input: {name, title, unit, kind, required, fallback, description, min, max, above, under, shapes, choices, item, fields, parts}.
 * `kind` is point, points, place, number, boolean, date, instant, choice, list, tuple or text; `shapes` of a place are GeoJSON types.
 */
export function fieldOf(name, schema, required) {
  const { anyOf, title, "x-ogc-unit": unit, "x-choices": offered, ...outside } = schema;
  const inner = { ...(anyOf?.find(({ type }) => type !== "null") ?? schema) };
  const { description = outside.description } = inner;
  return { name, title, unit: unit ?? unitOf(name), required, fallback: outside.default ?? null, description, ...(offered ? { kind: "choice", choices: offered.map(({ titles, ...choice }) => ({ ...choice, title: titles })) } : kindOf(inner)) };
}

function kindOf(schema) {
  const { type, format, items } = schema;
  if (format === "geojson-geometry") return { kind: "place", shapes: schema.properties.type.enum };
  if (isPoint(schema)) return { kind: "point" };
  if (type === "array" && items && isPoint(items)) return { kind: "points" };
  if (type === "array" && schema.prefixItems) return { kind: "tuple", parts: schema.prefixItems.map((part, i) => fieldOf(String(i), part, true)) };
  if (type === "array" && items?.properties) return { kind: "list", most: schema.maxItems, fields: fieldsOf(items) };
  if (type === "array") return { kind: "words" };
  if (type === "number" || type === "integer") {
    return { kind: "number", whole: type === "integer", min: schema.minimum, max: schema.maximum, above: schema.exclusiveMinimum, under: schema.exclusiveMaximum };
  }
  if (type === "boolean") return { kind: "boolean" };
  if (format === "date") return { kind: "date" };
  if (format === "date-time") return { kind: "instant" };
  const choices = schema.enum?.map((value) => ({ value, title: value }));
  return choices ? { kind: "choice", choices } : { kind: "text", pattern: schema.pattern };
}

const fieldsOf = ({ properties, required = [] }) => Object.entries(properties).map(([name, schema]) => fieldOf(name, schema, required.includes(name)));

/** The inputs of a process as `GET /processes/{id}` describes them, by name. */
export function readInputs(description) {
  return new Map(Object.entries(description.inputs).map(([name, { schema, minOccurs, description: words, titles }]) =>
    [name, { ...fieldOf(name, schema, minOccurs > 0), description: words, ...(titles && { title: titles }) }]));
}

/** What is wrong with the value of a field: the key of a sentence and its number, or null. */
export function faultOf(field, value) {
  if (isMissing(value)) return field.required ? ["mustBeGiven"] : null;
  if (field.kind === "number") {
    if (typeof value !== "number" || !Number.isFinite(value) || (field.whole && !Number.isInteger(value))) return ["notANumber"];
    if (field.min !== undefined && value < field.min) return ["atLeast", field.min];
    if (field.max !== undefined && value > field.max) return ["atMost", field.max];
    if (field.above !== undefined && value <= field.above) return ["moreThan", field.above];
    if (field.under !== undefined && value >= field.under) return ["lessThan", field.under];
  }
  return null;
}

export const isMissing = (value) => value === undefined || value === null || value === "" || (Array.isArray(value) && !value.length);
