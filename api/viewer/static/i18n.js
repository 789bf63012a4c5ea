// Every word of the page in both languages. Words of layers come from their manifests, not from here.

const WORDS = {
  skip: ["跳到图层目录", "Skip to the layers"],
  oneMap: ["一张图", "One Map"],
  subtitle: ["基准一张图 · 全面感知", "The shared map of the city"],
  layers: ["图层目录", "Layers"],
  basemap: ["基准底图", "Base map"],
  search: ["搜索图层", "Search layers"],
  nothingFound: ["没有符合的图层", "No layer matches"],
  noLayers: ["还没有图层。用 POST /layers 登记第一个。", "No layers yet. Register the first one with POST /layers."],
  hidePanel: ["收起图层目录", "Hide the layer panel"],
  showPanel: ["打开图层目录", "Show the layer panel"],
  mapTools: ["地图工具", "Map tools"],
  zoomIn: ["放大", "Zoom in"],
  zoomOut: ["缩小", "Zoom out"],
  home: ["回到全市", "Back to the city"],
  north: ["正北、俯视", "North up, view from above"],
  threeD: ["三维建筑", "Buildings in 3D"],
  theme: ["深色／浅色", "Dark or light"],
  language: ["Switch to English", "切换到中文"],
  share: ["复制本视图链接", "Copy a link to this view"],
  print: ["打印", "Print"],
  position: ["坐标与比例尺", "Position and scale"],
  show: ["显示", "Show"],
  details: ["图例与选项", "Legend and options"],
  opacity: ["不透明度", "Opacity"],
  zoomTo: ["缩放至图层", "Zoom to layer"],
  data: ["数据", "Data"],
  count: ["{n} 个要素", "{n} features"],
  countOne: ["1 个要素", "1 feature"],
  updated: ["更新于 {t}", "updated {t}"],
  synthetic: ["示例数据", "Synthetic sample"],
  unknown: ["未知", "unknown"],
  other: ["其他", "other"],
  yes: ["是", "yes"],
  no: ["否", "no"],
  close: ["关闭", "Close"],
  source: ["来源", "Source"],
  owner: ["责任单位", "Owner"],
  updatedOn: ["数据更新", "Data updated"],
  recordId: ["要素编号", "Feature id"],
  openItem: ["打开要素", "Open feature"],
  zoomToFeature: ["缩放至要素", "Zoom to feature"],
  densityTitle: ["此处要素", "Features here"],
  densityCount: ["{n} 个", "{n}"],
  densityHint: ["{l}：放大查看单个要素", "{l}: zoom in for single features"],
  copied: ["链接已复制", "Link copied"],
  copyFailed: ["浏览器不允许复制，请从地址栏复制。", "The browser does not allow copying; take the address from the address bar."],
  tilesFailed: ["「{l}」的部分地图没有加载：{why}", "Part of “{l}” did not load: {why}"],
  serverGone: ["服务器没有应答", "the server does not answer"],
  viewFailed: ["地图没有打开：{why}", "The map did not open: {why}"],
  noWebGL: ["此浏览器没有 WebGL2，无法显示地图。", "This browser has no WebGL2, which the map needs."],
  itemFailed: ["要素详情没有加载：{why}", "The feature's details did not load: {why}"],
  retry: ["重试", "Try again"],
  loading: ["加载中", "loading"],
  level: ["级别", "zoom"],
};

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

export function formatDate(text, withTime = false) {
  const date = new Date(text);
  if (Number.isNaN(date.getTime())) return String(text);
  const style = withTime ? { dateStyle: "medium", timeStyle: "short" } : { dateStyle: "medium" };
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
