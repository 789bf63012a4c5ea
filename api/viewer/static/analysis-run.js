// A question on its way: put as a job, watched, given up. A short one is answered at the first look, a long one shows how far it is.

import { dismissJob, getJob, getJobResult, startAnalysis } from "./server.js";

const LOOKS_MS = [60, 100, 160, 250, 400, 600, 1000]; // and every second from then on
const KEPT = "onemap.jobs";

/** Ids of the jobs that this tab has started. */
export function ownJobs() {
  try {
    return new Set(JSON.parse(sessionStorage.getItem(KEPT)) ?? []);
  } catch {
    return new Set(); // storage is switched off, or somebody else's words stand there
  }
}

function remember(id) {
  try {
    sessionStorage.setItem(KEPT, JSON.stringify([...ownJobs(), id].slice(-200)));
  } catch {
    // storage is switched off
  }
}

export class Run {
  /** @param onProgress({status, progress}) */
  constructor(process, inputs, onProgress) {
    Object.assign(this, { process, inputs, onProgress, job: null, isCancelled: false });
  }

  /** The answer; null when it was given up. Throws an Error with `problem` in the server's words. */
  async answer() {
    this.job = await startAnalysis(this.process, this.inputs);
    remember(this.job.jobID);
    for (let look = 0; ; look++) {
      if (this.isCancelled) return null;
      this.onProgress(this.job);
      if (this.job.status === "successful") return getJobResult(this.job.jobID);
      if (this.job.status === "dismissed") return null;
      if (this.job.status === "failed") throw failure(this.job);
      await new Promise((resolve) => setTimeout(resolve, LOOKS_MS[Math.min(look, LOOKS_MS.length - 1)]));
      if (!this.isCancelled) this.job = await getJob(this.job.jobID);
    }
  }

  /** Looks no more; the server goes on. */
  leave() {
    this.isCancelled = true;
  }

  /** Gives it up, on the server as well. */
  async cancel() {
    this.isCancelled = true;
    if (this.job) await dismissJob(this.job.jobID).catch(() => {}); // it may have come to its end meanwhile
  }
}

/** What a failed job says of itself, as an Error. */
export function failure({ message, problem }) {
  const said = problem ? { ...problem, detail: problem.message } : { detail: message };
  return Object.assign(new Error(said.detail), { problem: said });
}
