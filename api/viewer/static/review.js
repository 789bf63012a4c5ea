// The review of a held layer: as delivered and as corrected beside the base map, and the decision with its reason.

import { askReason } from "./ask.js";
import { chip, hideCard, showCard } from "./card.js";
import { element } from "./dom.js";
import { boxOf, frameBox } from "./framing.js";
import { beliefWords } from "./held.js";
import { formatNumber, pick, say } from "./i18n.js";
import { decideLayer, getPreview } from "./server.js";
import { toast } from "./toast.js";
import { departmentOf } from "./values.js";

const SIDES = ["delivered", "corrected"];

export class Review {
  /** @param on {close(), decided()} */
  constructor(map, on) {
    this.map = map;
    this.on = on;
    this.entry = null;
  }

  /** Draws a sample of a held layer on the map and asks for a decision. */
  async open(entry) {
    this.entry = entry;
    this.preview = null;
    this.shown = new Set(SIDES);
    this.draw();
    try {
      const preview = await getPreview(entry.id);
      if (this.entry !== entry) return;
      this.preview = preview;
      this.draw();
      this.#lay();
      frameBox(this.map, boxOf({ coordinates: SIDES.flatMap((side) => (preview[side]?.features ?? []).map(({ geometry }) => geometry?.coordinates ?? [])) }));
    } catch (error) {
      toast(say("previewFailed", { why: error.message }), { key: "preview", kind: "bad" });
    }
  }

  draw() {
    if (!this.entry) return;
    const { entry, preview } = this;
    const { belief } = entry.standing;
    showCard({
      title: pick(entry.title) || entry.id,
      kicker: `${departmentOf(entry)} · ${say("heldLayer")}`,
      content: [
        element("p", { class: "belief" }, beliefWords(entry)),
        element("dl", { class: "rows" }, facts(belief).map(([title, words]) => [element("dt", {}, title), element("dd", {}, words)])),
        element("h3", { class: "card-section" }, say("besideBasemap")),
        preview ? element("ul", { class: "sides" }, SIDES.map((side) => this.#side(side))) : element("p", { class: "soft" }, say("loading")),
        preview ? element("p", { class: "soft" }, say("sampleOf", { n: formatNumber(preview.sampled), m: formatNumber(preview.count) })) : null,
      ],
      actions: [
        belief?.correction ? chip("target", say("decideCorrect"), () => this.#decide("correct"), { id: "decide-correct" }) : null,
        chip("check", say("decideAccept"), () => this.#decide("accept"), { id: "decide-accept" }),
        chip("close", say("decideReject"), () => this.#decide("reject"), { id: "decide-reject" }),
      ].filter(Boolean),
      onClose: this.on.close,
    });
  }

  #side(side) {
    const there = Boolean(this.preview[side]);
    const box = element("input", {
      type: "checkbox", id: `side-${side}`, disabled: !there,
      onchange: ({ target }) => {
        this.shown[target.checked ? "add" : "delete"](side);
        this.#lay();
      },
    });
    box.checked = there && this.shown.has(side);
    return element("li", {}, box, element("span", { class: `side ${side}`, "aria-hidden": "true" }),
      element("label", { for: box.id }, say(there ? side : "noCorrection")));
  }

  #lay() {
    for (const side of SIDES) this.map.setOverlay(side, this.shown.has(side) ? this.preview[side] : null);
  }

  async #decide(decision) {
    const { entry } = this;
    const correction = decision === "correct" ? entry.standing.belief.correction : undefined;
    const said = await askReason({
      title: say(`ask_${decision}`), words: say(`ask_${decision}_words`), go: say(`decide_go_${decision}`), required: true,
    });
    if (!said) return;
    try {
      await decideLayer(entry.id, { decision, correction, reason: said.why }, said.who);
      toast(say("decided"), { key: "review", seconds: 4 });
      this.on.decided(entry.id);
    } catch (error) {
      toast(say("decisionFailed", { why: error.message }), { key: "review", kind: "bad", seconds: 0 });
    }
  }

  /** The card is somebody else's now, or nobody's. */
  forget() {
    if (!this.entry) return;
    this.entry = null;
    for (const side of SIDES) this.map.setOverlay(side, null);
    hideCard();
  }
}

function facts(belief) {
  if (!belief) return [];
  const unit = say(belief.unit === "places" ? "unitPlaces" : "unitFeatures");
  return [
    [say("confidence"), `${Math.round(belief.confidence * 100)}%`],
    [say("agree"), say("agreeing", { p: Math.round(belief.share * 100), n: formatNumber(belief.counted), u: unit })],
    belief.correction && [say("correction"), correctionWords(belief.correction)],
    belief.compared_with?.length && [say("comparedWith"), belief.compared_with.join("、")],
  ].filter(Boolean);
}

function correctionWords(correction) {
  if (correction === "swap-axes") return say("swapAxes");
  if (correction.shift_m) return say("shiftBy", { e: formatNumber(correction.shift_m[0]), n: formatNumber(correction.shift_m[1]) });
  return `${correction} → CGCS2000`;
}
