// Line icons of the buttons, drawn for this page on a 24-unit grid.

const PATHS = {
  search: "M10.5 4a6.5 6.5 0 1 0 0 13a6.5 6.5 0 0 0 0-13M15.5 15.5L20 20",
  layers: "M12 4l8.5 4.5L12 13L3.5 8.500zM3.500 12.500L12 17l8.500-4.500M3.500 16.500L12 21l8.500-4.500",
  collapse: "M14.500 6l-6 6l6 6",
  plus: "M12 5v14M5 12h14",
  minus: "M5 12h14",
  home: "M4 11.500L12 4.500l8 7M6.500 10v9.500h11V10",
  north: "M12 3.500l5 16.500l-5-3.500l-5 3.500z",
  moon: "M19.500 14.500A8 8 0 0 1 9.500 4.500a8 8 0 1 0 10 10z",
  sun: "M12 8a4 4 0 1 0 0 8a4 4 0 0 0 0-8M12 2.500v2.500M12 19v2.500M2.500 12H5M19 12h2.500M5.300 5.300l1.700 1.700M17 17l1.700 1.700M18.700 5.300L17 7M7 17l-1.700 1.700",
  mountain: "M3 19L9.500 7l4 7l2-3l5.500 8zM7.500 11l2 1.500l2-1.500",
  link: "M10 14a4.200 4.200 0 0 0 6 0l3-3a4.200 4.200 0 0 0-6-6l-1.200 1.200M14 10a4.200 4.200 0 0 0-6 0l-3 3a4.200 4.200 0 0 0 6 6l1.200-1.200",
  print: "M7 9V4h10v5M7 17H4.500V9.500h15V17H17M7 14h10v6H7z",
  close: "M6 6l12 12M18 6L6 18",
  chevron: "M9 6l6 6l-6 6",
  target: "M12 7.500a4.500 4.500 0 1 0 0 9a4.500 4.500 0 0 0 0-9M12 3v4M12 17v4M3 12h4M17 12h4",
  table: "M4 5.500h16v13H4zM4 10h16M9.500 10v8.500",
  clock: "M12 4a8 8 0 1 0 0 16a8 8 0 0 0 0-16M12 7.500V12l3 2",
  pin: "M12 3.500a6 6 0 0 0-6 6c0 4.500 6 11 6 11s6-6.500 6-11a6 6 0 0 0-6-6M12 7.500a2 2 0 1 0 0 4a2 2 0 0 0 0-4",
  back: "M8.500 5L4.500 9l4 4M4.500 9H14a5 5 0 0 1 0 10H9",
  copy: "M9 9h10v10H9zM15 9V5H5v10h4",
  road: "M8 4L5 20M16 4l3 16M12 4v3M12 10.500v3M12 17v3",
  building: "M6 20V5h8v15M14 9h5v11M4 20h17M9 8.500h2M9 12h2M9 15.500h2",
  area: "M5 7l7-3l7 4v8l-8 4l-6-5z",
  water: "M4 9c2.700-2.500 5.300-2.500 8 0s5.300 2.500 8 0M4 15c2.700-2.500 5.300-2.500 8 0s5.300 2.500 8 0",
  grid: "M4.500 4.500h15v15h-15zM4.500 12h15M12 4.500v15",
  check: "M5 12.500l4.500 4.500L19 7.500",
  eye: "M3 12c4-6.500 14-6.500 18 0c-4 6.500-14 6.500-18 0M12 9.500a2.500 2.500 0 1 0 0 5a2.500 2.500 0 0 0 0-5",
  points: "M6.500 15a2 2 0 1 0 0 4a2 2 0 0 0 0-4M16 5a2 2 0 1 0 0 4a2 2 0 0 0 0-4M17.500 14a2 2 0 1 0 0 4a2 2 0 0 0 0-4",
  line: "M4 18l5-9l5 5l6-9",
  save: "M12 4v10M8 10.500l4 4l4-4M5 19.500h14",
  keep: "M12 4l8.500 4.500L12 13L3.5 8.500zM3.500 14L12 18.500l8.500-4.500",
  again: "M19 12a7 7 0 1 1-2-5M19 4v4h-4",
  open: "M13 5h6v6M19 5l-8.500 8.500M16 14v5H5V8h5",
};

export function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  svg.setAttribute("class", "icon");
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  path.setAttribute("d", PATHS[name]);
  svg.append(path);
  return svg;
}

/** Puts the icons into the fixed buttons of the page. */
export function drawIcons(root = document) {
  for (const node of root.querySelectorAll("[data-icon]")) node.replaceChildren(icon(node.dataset.icon));
}
