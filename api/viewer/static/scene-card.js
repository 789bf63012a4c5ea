// The card of what was picked in a scene that was delivered: a feature of a model with its attributes, or one point of a cloud.

import { showCard } from "./card.js";
import { element } from "./dom.js";
import { formatNumber, pick, say } from "./i18n.js";
import { kindOf } from "./scene-colors.js";
import { classWords } from "./scene-panel.js";
import { headingOf, valueWords } from "./values.js";

const rows = (pairs, name = "rows") => element("dl", { class: name }, pairs.map(([title, value]) => [element("dt", {}, title), element("dd", {}, value)]));

/** @param picked as SceneLayer gives it: {id, properties, point?, geometry?} */
export function showSceneCard(entry, picked, { onClose }) {
  const { title, pairs } = picked.point ? ofPoint(picked) : ofFeature(entry, picked);
  const datum = pick(entry.scene?.vertical_datum_title);
  showCard({
    title,
    kicker: pick(entry.title),
    content: element("div", {}, rows(pairs), datum ? rows([[say("sceneDatum"), datum]], "rows facts-list") : null),
    onClose,
  });
}

function ofPoint({ point, geometry }) {
  const [lon, lat] = geometry.coordinates;
  const pairs = [
    [say("sceneHeight"), `${formatNumber(Number(point.height.toFixed(2)))} m`],
    point.class === undefined ? null : [say("sceneClass"), classWords(point.class)],
    point.intensity === undefined ? null : [say("sceneIntensity"), formatNumber(point.intensity)],
    ["CGCS2000", `${lon.toFixed(7)}, ${lat.toFixed(7)}`],
  ];
  return { title: say("scenePoint"), pairs: pairs.filter(Boolean) };
}

function ofFeature(entry, { id, properties }) {
  const known = Object.entries(properties).map(([name, value]) => [name, valueWords(undefined, value)]);
  const sort = properties.kind && properties.kind !== "feature" ? say(`kind_${kindOf(properties.kind)}`) : say("sceneFeature");
  return { title: headingOf({ ...entry, title: sort }, properties, id), pairs: [...known, [say("recordId"), String(id)]] };
}
