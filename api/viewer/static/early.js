// Runs before anything is painted, so that a dark page does not flash white.
(() => {
  const asked = new URLSearchParams(location.search);
  let kept = null;
  try {
    kept = localStorage.getItem("onemap.theme");
  } catch {
    // storage is switched off: the page works without it
  }
  const dark = matchMedia("(prefers-color-scheme: dark)").matches;
  document.documentElement.dataset.theme = asked.get("theme") || kept || (dark ? "dark" : "light");
  if (asked.get("embed")) document.documentElement.classList.add("embed");
})();
