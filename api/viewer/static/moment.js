// The two dates of a view. `datetime`: what held in the world on that day (valid time). `asOf`: what had been recorded
// by then (system time). An empty one means now. Both travel to the server in its own words, datetime= and as_of=.

import { formatDate, say } from "./i18n.js";

export const NOW = Object.freeze({ datetime: "", asOf: "" });

const DAY = /^\d{4}-\d{2}-\d{2}$/;
const INSTANT = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:\d{2})$/i;

export const isNow = ({ datetime, asOf }) => !datetime && !asOf;

export const sameMoment = (one, other) => one.datetime === other.datetime && one.asOf === other.asOf;

/** `text` where it is a day or an instant with its zone, otherwise nothing. */
export function readDate(text) {
  const known = text && (DAY.test(text) || INSTANT.test(text)) && !Number.isNaN(Date.parse(text));
  return known ? text : "";
}

/** The moment as a query, empty for now. */
export function momentQuery({ datetime, asOf }) {
  const parts = [];
  if (datetime) parts.push(`datetime=${encodeURIComponent(datetime)}`);
  if (asOf) parts.push(`as_of=${encodeURIComponent(asOf)}`);
  return parts.join("&");
}

/** An address that asks for the moment. */
export function withMoment(url, moment) {
  const query = momentQuery(moment);
  return query ? `${url}${url.includes("?") ? "&" : "?"}${query}` : url;
}

/** What the reader sees, in words: the state of which day. */
export function momentWords({ datetime, asOf }) {
  const world = datetime && formatDate(datetime, !DAY.test(datetime));
  const known = asOf && formatDate(asOf, !DAY.test(asOf));
  if (world && known) return say("momentBoth", { d: world, k: known });
  return world ? say("momentWorld", { d: world }) : say("momentKnown", { k: known });
}

const two = (number) => String(number).padStart(2, "0");

/** An instant as `<input type="datetime-local">` wants it: the reader's own clock, to the second, rounded up. */
export function toLocalInput(instant) {
  if (!instant) return "";
  const date = DAY.test(instant) ? new Date(`${instant}T23:59:59`) : new Date(Math.ceil(Date.parse(instant) / 1000) * 1000);
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  return `${day}T${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
}

/** What such an input holds as an instant in UTC. */
export function fromLocalInput(text) {
  const date = new Date(text);
  return Number.isNaN(date.getTime()) ? "" : date.toISOString().replace(".000Z", "Z");
}
