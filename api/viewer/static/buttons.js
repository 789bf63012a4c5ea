// The tools at the right and the keys of the page.

import { byId } from "./dom.js";
import { language, say, setLanguage } from "./i18n.js";
import { writeAddress } from "./share.js";
import { setTheme, theme } from "./theme.js";
import { toast } from "./toast.js";

/** Opens or folds the panel at the left. */
export function showPanel(shown) {
  document.body.classList.toggle("no-panel", !shown);
  byId("panel").inert = !shown;
  byId(shown ? "panel-close" : "panel-open").focus({ preventScroll: true });
}

/** Puts the address of what is shown on the clipboard. */
export async function copyLink(state) {
  history.replaceState(null, "", writeAddress(state, state.defaults));
  await copyText(location.href);
}

/** Puts text on the clipboard and says so. */
export async function copyText(text) {
  try {
    await navigator.clipboard.writeText(text);
    toast(say("copied"), { key: "copy", seconds: 2.5 });
  } catch {
    toast(say("copyFailed"), { key: "copy" });
  }
}

/** @param on {address, ask, close, language, leave, relief, theme, view} */
export function wireButtons(map, state, on) {
  const press = (id, work) => byId(id).addEventListener("click", work);
  press("zoom-in", () => map.go({ zoom: Math.min(20.5, state.camera.zoom + 1) }, 250));
  press("zoom-out", () => map.go({ zoom: Math.max(2, state.camera.zoom - 1) }, 250));
  press("home", () => map.go({ ...state.home, pitch: state.threeD ? 50 : 0 }));
  press("north", () => map.go({ bearing: 0, pitch: 0 }, 400));
  press("what-is-here", on.ask);
  press("three-d", () => {
    state.threeD = !state.threeD;
    byId("three-d").setAttribute("aria-pressed", state.threeD);
    map.go({ pitch: state.threeD ? 50 : 0 }, 600);
    on.relief();
    on.address();
    on.view();
  });
  press("relief", () => {
    state.relief = !state.relief;
    on.relief();
    on.address();
  });
  press("theme", () => {
    setTheme(theme() === "dark" ? "light" : "dark");
    state.theme = theme();
    on.theme();
    on.address();
    on.view();
  });
  press("language", () => {
    setLanguage(language() === "zh" ? "en" : "zh");
    state.language = language();
    on.language();
    on.address();
  });
  press("share", () => copyLink(state));
  press("print", () => print());
  press("panel-close", () => showPanel(false));
  press("panel-open", () => showPanel(true));
  addEventListener("keydown", (event) => {
    if (event.key === "Escape" && !event.defaultPrevented) on.close();
    if (event.key === "/" && !/input|textarea|select/i.test(document.activeElement.tagName)) {
      event.preventDefault();
      byId("search").focus();
    }
  });
  byId("map").addEventListener("pointerleave", on.leave);
}
