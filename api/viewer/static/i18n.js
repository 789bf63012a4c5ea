// The reader's language: words, numbers and dates in it.

import { WORDS } from "./words.js";

let current = "zh";

export const language = () => current;

export function startLanguage(asked) {
  let kept = null;
  try {
    kept = localStorage.getItem("onemap.language");
  } catch {
    // storage is switched off
  }
  const wanted = asked || kept || navigator.language || "zh";
  current = wanted.startsWith("zh") ? "zh" : "en";
}

export function setLanguage(next) {
  current = next;
  try {
    localStorage.setItem("onemap.language", next);
  } catch {
    // storage is switched off
  }
}

/** Words for `key`, with `{name}` filled in. */
export function say(key, values = {}) {
  const text = WORDS[key][current === "zh" ? 0 : 1];
  return text.replace(/\{(\w+)\}/g, (_, name) => values[name] ?? "");
}

/** The side of a `{zh, en}` text that the reader wants, or the other one when it is empty. */
export function pick(text) {
  if (!text) return "";
  if (typeof text === "string") return text;
  return current === "zh" ? text.zh || text.en || "" : text.en || text.zh || "";
}

export const formatNumber = (value) =>
  new Intl.NumberFormat(current === "zh" ? "zh-CN" : "en", { maximumFractionDigits: 6 }).format(value);

/** Metres below a kilometre, kilometres above. */
export const formatDistance = (metres) =>
  metres < 950 ? `${Math.round(metres)} m` : `${formatNumber(Number((metres / 1000).toFixed(metres < 9950 ? 1 : 0)))} km`;

/** Square metres below a hectare, hectares and square kilometres above. */
export function formatArea(metres) {
  if (metres < 9950) return `${formatNumber(Math.round(metres))} m²`;
  const [value, unit] = metres < 995_000 ? [metres / 1e4, "ha"] : [metres / 1e6, "km²"];
  return `${formatNumber(Number(value.toPrecision(3)))} ${unit}`;
}

export function formatDate(text, withTime = false, timeZone = undefined) {
  const date = new Date(text);
  if (Number.isNaN(date.getTime())) return String(text);
  const style = withTime ? { dateStyle: "medium", timeStyle: "short", timeZone } : { dateStyle: "medium" };
  return new Intl.DateTimeFormat(current === "zh" ? "zh-CN" : "en-GB", style).format(date);
}

/** Fills the fixed words of the page. */
export function writeWords(root = document) {
  document.documentElement.lang = current === "zh" ? "zh-CN" : "en";
  for (const node of root.querySelectorAll("[data-i18n]")) node.textContent = say(node.dataset.i18n);
  for (const node of root.querySelectorAll("[data-i18n-label]")) {
    const words = say(node.dataset.i18nLabel);
    node.setAttribute("aria-label", words);
    if (node.tagName === "BUTTON") node.title = words;
  }
  for (const node of root.querySelectorAll("[data-i18n-placeholder]")) node.placeholder = say(node.dataset.i18nPlaceholder);
}
