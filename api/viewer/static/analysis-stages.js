// Parts of the panel that only show: the list of analyses, how far a question is, what went wrong.

import { GROUPS, PROCESSES } from "./analysis-terms.js";
import { element } from "./dom.js";
import { pick, say } from "./i18n.js";

const word = (pair) => pick({ zh: pair[0], en: pair[1] });

/** All analyses by groups, each with the question it answers. */
export function processList(processes, choose) {
  const known = new Map(processes.map((process) => [process.id, process]));
  const grouped = new Set(GROUPS.flatMap(({ ids }) => ids));
  const groups = [...GROUPS.map(({ title, ids }) => [word(title), ids.filter((id) => known.has(id))]),
    [say("otherAnalyses"), processes.map(({ id }) => id).filter((id) => !grouped.has(id))]].filter(([, ids]) => ids.length);
  const one = (id) => {
    const { name, question } = PROCESSES[id] ?? {};
    return element("li", {}, element("button", { class: "process", "data-process": id, id: `process-${id}`, onclick: () => choose(id) },
      element("span", { class: "process-name" }, name ? word(name) : known.get(id).title),
      element("span", { class: "process-question" }, question ? word(question) : known.get(id).description)));
  };
  return [
    element("p", { class: "soft" }, say("analysisPick")),
    groups.map(([title, ids]) => element("section", {}, element("h3", { class: "card-section" }, title), element("ul", { class: "processes" }, ids.map(one)))),
  ];
}

/** How far a job is, and the way to give it up. */
export function progressNode(job, cancel) {
  const percent = job?.progress ?? 0;
  const words = job?.status === "running" ? `${say("running")} ${percent} %` : say("waitingTurn");
  return element("div", { class: "progress", role: "status" },
    element("span", {}, words),
    element("progress", { max: 100, value: percent, "aria-label": say("running") }),
    element("button", { class: "plain", type: "button", id: "analysis-cancel", onclick: cancel }, say("stopRun")));
}

/** What went wrong: the sentence, the value, the limit and what to do. */
export function problemNode({ detail, value, limit, remedy, findings = [], isCalm }) {
  const rows = [["problemValue", value], ["problemLimit", limit], ["problemRemedy", remedy]].filter(([, text]) => text);
  return element("div", { class: `problem${isCalm ? " calm" : ""}`, role: isCalm ? "status" : "alert", id: "analysis-problem" },
    element("p", {}, detail),
    findings.length > 1 ? element("ul", {}, findings.map(({ where, problem }) => element("li", {}, `${where} ${problem}`))) : null,
    rows.length ? element("dl", { class: "rows" }, rows.map(([name, text]) => [element("dt", {}, say(name)), element("dd", { "data-problem": name }, String(text))])) : null);
}
