// The jobs of the server, those of this tab marked: how they stand, opened again when they are done, given up while they run.

import { ownJobs } from "./analysis-run.js";
import { element } from "./dom.js";
import { formatDate, say } from "./i18n.js";
import { icon } from "./icons.js";

const SHOWN = { accepted: "job_accepted", running: "job_running", successful: "job_successful", failed: "job_failed", dismissed: "job_dismissed" };

/**
 * @param jobs  of `GET /jobs`; null while they are on their way
 * @param on    {open(job), why(job), cancel(job), again(), nameOf(id)}
 */
export function jobList(jobs, on) {
  const again = element("button", { class: "chip", id: "jobs-again", onclick: on.again }, icon("again"), say("refresh"));
  if (!jobs) return element("p", { class: "soft" }, say("loading"));
  const own = ownJobs();
  const rows = jobs.toSorted((a, b) => own.has(b.jobID) - own.has(a.jobID)).map((job) => jobRow(job, own.has(job.jobID), on));
  return element("div", {}, rows.length ? element("ul", { class: "jobs", id: "jobs" }, rows) : element("p", { class: "soft" }, say("noJobs")), again);
}

function jobRow(job, isOwn, on) {
  const { jobID, processID, status, progress, created } = job;
  const name = on.nameOf(processID);
  const act = (words, work) => element("button", { class: "inline-link", id: `job-${jobID}`, "aria-label": `${words}: ${name}`, onclick: () => work(job) }, words);
  const action = {
    successful: () => act(say("openResult"), on.open),
    failed: () => act(say("openQuestion"), on.why),
    accepted: () => act(say("stopRun"), on.cancel),
    running: () => act(say("stopRun"), on.cancel),
  }[status];
  return element("li", { class: `job ${status}`, "data-job": jobID, "data-status": status },
    element("span", { class: "job-name" }, name, isOwn ? element("span", { class: "badge" }, say("mine")) : null),
    element("span", { class: "job-more" }, formatDate(created, true), " · ", say(SHOWN[status] ?? "job_accepted", { p: progress ?? 0 })),
    action ? action() : null);
}
