// One input of a question as one control: numbers with their unit, dates, choices, yes or no, lists of things with inputs of
// their own. Places stand in analysis-places.js.

import { placeField } from "./analysis-places.js";
import { CODES } from "./analysis-terms.js";
import { element } from "./dom.js";
import { formatNumber, pick, say } from "./i18n.js";
import { icon } from "./icons.js";

const BEIJING = "+08:00";

/** @param form analysis-form.js; `path` names the input in its values */
export function drawField(form, plain, path) {
  const field = form.special(plain);
  const draw = { point: placeField, points: placeField, place: placeField, number, boolean, date, instant, choice, list, tuple, words }[field.kind] ?? text;
  return draw(form, field, path);
}

export const idOf = (path) => `in-${path.join("-")}`;

/** A row of a form: its name, its control, and what is wrong with it. */
export function row(form, field, path, control, { wide = false, group = false } = {}) {
  const id = idOf(path);
  const fault = form.faults.get(path.join("/"));
  const name = [form.nameOf(field, path), field.required ? element("span", { class: "needed", "aria-hidden": "true" }, " *") : null];
  const help = form.helpOf(field, path);
  if (fault) {
    control.setAttribute("aria-invalid", "true");
    control.setAttribute("aria-describedby", `${id}-fault`);
  }
  const head = group ? element("span", { id: `${id}-name`, class: "input-name", title: help }, name) : element("label", { for: id, class: "input-name", title: help }, name);
  return element("div", { class: `input${wide ? " wide" : ""}`, "data-input": path.join(".") },
    head, element("div", { class: "input-control" }, control, unit(field)),
    fault ? element("p", { class: "fault", id: `${id}-fault` }, fault) : null);
}

const unit = ({ kind, unit: words }) => (kind === "number" && words ? element("span", { class: "unit" }, words) : null);

function number(form, field, path) {
  const input = element("input", {
    id: idOf(path), type: "number", step: "any", inputmode: "decimal", min: field.min ?? field.above, max: field.max ?? field.under,
    placeholder: field.fallback === null ? null : formatNumber(field.fallback), required: field.required,
    // NaN stands for something that is no number; an empty box for the usual value.
    oninput: ({ target }) => form.set(path, target.value === "" ? (target.validity.badInput ? NaN : undefined) : Number(target.value)),
  });
  const value = form.value(path) ?? field.fallback;
  if (value !== null && !Number.isNaN(value)) input.value = value;
  return row(form, field, path, input);
}

function boolean(form, field, path) {
  const box = element("input", { id: idOf(path), type: "checkbox", class: "switch", onchange: ({ target }) => form.set(path, target.checked) });
  box.checked = form.value(path) ?? field.fallback ?? false;
  return row(form, field, path, box);
}

function date(form, field, path) {
  const input = element("input", { id: idOf(path), type: "date", required: field.required, oninput: ({ target }) => form.set(path, target.value || undefined) });
  input.value = form.value(path) ?? "";
  return row(form, field, path, input, { wide: true });
}

function instant(form, field, path) {
  const input = element("input", {
    id: idOf(path), type: "datetime-local", required: field.required,
    oninput: ({ target }) => form.set(path, target.value ? `${target.value.length === 16 ? `${target.value}:00` : target.value}${BEIJING}` : undefined),
  });
  const then = Date.parse(form.value(path) ?? "");
  if (!Number.isNaN(then)) input.value = new Date(then + 8 * 3600_000).toISOString().slice(0, 16);
  return row(form, field, path, input, { wide: true });
}

function choice(form, field, path) {
  const select = element("select", {
    id: idOf(path), required: field.required,
    onchange: ({ target }) => {
      form.set(path, target.value || undefined);
      form.draw(); // other inputs may hang on it
    },
  }, field.choices.map(({ value, title }) => element("option", { value }, typeof title === "string" && CODES[title] ? pick({ zh: CODES[title][0], en: CODES[title][1] }) : pick(title))));
  select.value = form.value(path) ?? field.fallback ?? "";
  const { source, weak } = field.choices.find(({ value }) => value === select.value) ?? {};
  if (!field.choices.length) return row(form, field, path, element("span", { class: "soft" }, say("noSuchLayer")), { wide: true, group: true });
  return [row(form, field, path, select, { wide: true }), source ? element("p", { class: "soft choice-source" }, source, weak ? ` · ${say("weakRule")}` : "") : null];
}

function text(form, field, path) {
  const input = element("input", {
    id: idOf(path), type: "text", required: field.required, placeholder: field.fallback, oninput: ({ target }) => form.set(path, target.value.trim() || undefined),
  });
  input.value = form.value(path) ?? "";
  return row(form, field, path, input, { wide: true });
}

function words(form, field, path) {
  const input = element("input", {
    id: idOf(path), type: "text", oninput: ({ target }) => form.set(path, target.value.split(/[,，\s]+/).filter(Boolean)),
  });
  input.value = (form.value(path) ?? []).join(", ");
  return row(form, field, path, input, { wide: true });
}

function tuple(form, field, path) {
  const parts = field.parts.map((part, i) => drawField(form, { ...part, name: field.name, title: field.title, unit: field.unit }, [...path, i]));
  return element("div", { class: "tuple", role: "group", "aria-label": form.nameOf(field, path) }, parts);
}

function list(form, field, path) {
  const entries = form.value(path) ?? [];
  const change = (next) => {
    form.set(path, next);
    form.draw();
  };
  const title = form.nameOf(field, path);
  const one = (entry, i) => element("fieldset", { class: "input-item" },
    element("legend", {}, `${title} ${i + 1}`),
    element("button", {
      class: "quiet", type: "button", id: `${idOf([...path, i])}-remove`, "aria-label": `${say("removeItem")}: ${title} ${i + 1}`, title: say("removeItem"),
      onclick: () => change(entries.filter((other) => other !== entry)),
    }, icon("close")),
    field.fields.map((inner) => drawField(form, inner, [...path, i, inner.name])));
  const add = element("button", {
    class: "chip", type: "button", id: `${idOf(path)}-add`, disabled: entries.length >= (field.most ?? Infinity),
    onclick: () => change([...entries, {}]),
  }, icon("plus"), say("addItem"));
  const control = element("div", { class: "input-list" }, entries.map(one), add);
  return row(form, field, path, control, { wide: true, group: true });
}
