// The panel for analyses: choose one, ask it with places of the map, see and keep what it answers. What it draws and asks is in the
// files beside it (analysis-*.js); this one knows only which of them has the panel.

import { DrawTool } from "./analysis-draw.js";
import { Form } from "./analysis-form.js";
import { boxAround, GroundBelow, setOnGround } from "./analysis-ground.js";
import { jobList } from "./analysis-jobs.js";
import { questionLayers } from "./analysis-layers.js";
import { failure, Run } from "./analysis-run.js";
import { Shown } from "./analysis-shown.js";
import { problemNode, processList, progressNode } from "./analysis-stages.js";
import { PROCESSES } from "./analysis-terms.js";
import { chip } from "./card.js";
import { byId, element } from "./dom.js";
import { boxOf, frameBox, isInSight } from "./framing.js";
import { pick, say } from "./i18n.js";
import { icon } from "./icons.js";
import { dismissJob, getJobResult, getJobs, getProcess, getProcesses, getTerrains } from "./server.js";

const JOBS = 30;

export class Analysis {
  /** @param on {change(), open(layer, id), layersChanged(id)} */
  constructor(map, state, on) {
    this.map = map;
    this.state = state;
    this.on = on;
    this.root = byId("analysis");
    this.tool = new DrawTool(map, () => map.refresh());
    this.below = new GroundBelow(() => map.refresh()); // the places of a question
    this.processes = null; // the list of the server
    this.form = null;
    this.run = null; // a question that is being answered
    this.isWatched = false; // whether the reader was in the panel when the question was put
    this.problem = null;
    this.shown = null; // the answer on the map, see analysis-shown.js
    this.jobs = undefined; // a list while it is looked at; null while it is on its way
  }

  /** Opens the panel; with a process its form, with inputs its answer. */
  async open(process = null, inputs = null) {
    try {
      this.processes ??= await getProcesses();
      if (process) await this.#choose(process, inputs);
    } catch (error) {
      this.problem = { detail: say("analysisFailed", { why: error.message }) };
    }
    this.draw();
    if (inputs && this.form) await this.#start();
  }

  nameOf(id) {
    const known = PROCESSES[id]?.name;
    return known ? pick({ zh: known[0], en: known[1] }) : (this.processes?.find((process) => process.id === id)?.title ?? id);
  }

  async #choose(id, inputs = null) {
    this.#leave();
    const [description, { terrains }] = await Promise.all([getProcess(id), getTerrains()]);
    this.form = new Form(description, {
      state: this.state, terrains, tool: this.tool, inputs,
      on: { change: () => this.map.refresh(), draw: () => this.draw(), chosen: () => this.map.selection?.geometry ?? null },
    });
    this.#address();
  }

  // Whatever stood in the panel goes, and with it what it drew.
  #leave() {
    this.tool.cancel();
    if (this.run) {
      this.run.leave(); // the server goes on; the answer will be among the jobs
      this.on.tell(say("stillRunning"));
    }
    Object.assign(this, { form: null, run: null, problem: null, shown: null, jobs: undefined });
  }

  /** The list of analyses again. */
  #back() {
    this.#leave();
    this.#address();
    this.draw();
    this.map.refresh();
    byId("analysis").querySelector("button")?.focus();
  }

  async #start() {
    this.tool.cancel();
    this.problem = null;
    this.isWatched = this.root.contains(document.activeElement);
    const inputs = this.form.inputs();
    this.draw();
    if (!inputs) return this.root.querySelector("[aria-invalid] input, [aria-invalid] button, [aria-invalid]")?.focus();
    const run = new Run(this.form.process, inputs, () => this.run === run && this.draw());
    this.run = run;
    this.shown = null;
    this.draw();
    this.#focus("analysis-cancel");
    try {
      const document = await run.answer();
      if (this.run !== run) return;
      this.run = null;
      if (document) this.#show(document);
      else this.problem = { detail: say("analysisCancelled"), isCalm: true };
    } catch (error) {
      if (this.run !== run) return;
      this.run = null;
      this.#complain(error);
    }
    this.draw();
    this.map.refresh();
    this.#focus(this.shown ? "analysis-result" : "analysis-run");
  }

  // The button that somebody pressed is gone: what came in its place takes the focus, unless that has gone elsewhere.
  #focus(id) {
    if (this.isWatched && (document.activeElement === document.body || this.root.contains(document.activeElement))) byId(id)?.focus({ preventScroll: true });
  }

  #complain(error) {
    this.problem = error.problem?.detail ? error.problem : { detail: error.message };
    this.form?.blame(this.problem.findings);
  }

  #show(document) {
    this.shown = new Shown(document, this);
    this.#address();
    const drawn = document.features.map(({ geometry }) => geometry?.coordinates).filter(Boolean);
    const box = boxOf({ coordinates: drawn });
    if (box && !isInSight(this.map, box)) frameBox(this.map, box);
    this.root.scrollTop = 0;
  }

  async #cancel() {
    const { run } = this;
    this.run = null;
    this.problem = { detail: say("analysisCancelled"), isCalm: true };
    this.draw();
    this.#focus("analysis-run");
    await run.cancel();
  }

  /** The answer of a job, with its question in the form. */
  async #reopen(job) {
    try {
      const document = await getJobResult(job.jobID);
      const { register_as, ...inputs } = document.answer.inputs;
      await this.#choose(job.processID, inputs);
      this.#show(document);
    } catch (error) {
      this.#complain(error);
    }
    this.draw();
    this.map.refresh();
  }

  async #listJobs() {
    this.#leave();
    this.jobs = null;
    this.draw();
    this.map.refresh();
    await this.#refreshJobs();
  }

  async #refreshJobs() {
    try {
      const jobs = await getJobs(JOBS);
      if (this.jobs !== undefined) this.jobs = jobs;
    } catch (error) {
      this.jobs = [];
      this.#complain(error);
    }
    this.draw();
  }

  /** Asks what one camera sees, or who sees a place: from a card of the page. */
  async ask(process, inputs) {
    await this.open(process, inputs);
  }

  // What a link brings back: the question, not the answer.
  #address() {
    const { form, shown } = this;
    const { register_as, ...inputs } = shown?.document.answer.inputs ?? {};
    this.state.analysis = form ? { process: form.process, inputs: shown ? inputs : null } : null;
    this.on.change();
  }

  /** deck.gl layers of the question and its answer. */
  layers() {
    const { theme, threeD } = this.state;
    const { isRaised, relief, ground } = this.map;
    const terrain = isRaised ? relief.ground : null;
    const asked = this.form ? this.form.features : [];
    return [...(this.shown ? this.shown.layers(theme, terrain, ground) : []), ...this.#questionLayers(asked, this.tool.features, { theme, threeD, terrain, ground })];
  }

  #questionLayers(asked, drawn, { terrain, ground, ...view }) {
    const all = [...asked, ...drawn];
    const under = terrain && all.length ? this.below.within(boxAround(all), terrain) : null;
    if (!under) return questionLayers(asked, drawn, { ...view, ground: 0 });
    return questionLayers(setOnGround(asked, under), setOnGround(drawn, under), { ...view, ground });
  }

  /** The cursor is over a place of the map, or over none. */
  hover(place) {
    this.tool.hover(place);
    if (!this.tool.kind) this.shown?.hover(place);
  }

  /** Draws the panel, in the language of now; the focus stays where it was. */
  draw() {
    this.tool.draw();
    const focused = this.root.contains(document.activeElement) ? document.activeElement.id : "";
    this.root.replaceChildren(...this.#content().flat(Infinity).filter(Boolean));
    if (focused) byId(focused)?.focus({ preventScroll: true });
  }

  #content() {
    if (this.jobs !== undefined) return [this.#head(say("jobs")), element("div", { class: "analysis-body" }, this.problem && problemNode(this.problem), this.#jobNodes())];
    if (!this.form) {
      const { problem, processes } = this;
      const pickOne = (id) => this.#choose(id).catch((error) => this.#complain(error)).then(() => {
        this.draw();
        byId("analysis-back")?.focus();
      });
      return [element("div", { class: "analysis-body" }, problem && problemNode(problem), processes ? processList(processes, pickOne) : element("p", { class: "soft" }, say("loading"))),
        element("footer", { class: "actions" }, chip("clock", say("jobs"), () => this.#listJobs(), { id: "analysis-jobs" }))];
    }
    const { process } = this.form;
    if (this.shown) return [this.#head(this.nameOf(process)), this.shown.nodes()];
    return [this.#head(this.nameOf(process)), this.#question()];
  }

  #jobNodes() {
    return jobList(this.jobs, {
      nameOf: (id) => this.nameOf(id),
      again: () => this.#refreshJobs(),
      open: (job) => this.#reopen(job),
      why: (job) => {
        this.#complain(failure(job));
        this.draw();
      },
      cancel: (job) => dismissJob(job.jobID).catch((error) => this.#complain(error)).then(() => this.#refreshJobs()),
    });
  }

  #question() {
    const { form, run, problem } = this;
    const { question } = PROCESSES[form.process] ?? {};
    const words = question ? pick({ zh: question[0], en: question[1] }) : this.processes.find(({ id }) => id === form.process)?.description;
    return element("form", {
      class: "analysis-form", novalidate: true,
      onsubmit: (event) => {
        event.preventDefault();
        if (!this.run) this.#start();
      },
    },
    element("div", { class: "analysis-body" }, element("p", { class: "soft" }, words), form.nodes()),
    element("div", { class: "analysis-foot" },
      problem ? problemNode(problem) : null,
      run ? progressNode(run.job, () => this.#cancel()) : element("button", { class: "primary", type: "submit", id: "analysis-run" }, say("run"))));
  }

  #head(title) {
    return element("header", { class: "analysis-head" },
      element("button", { class: "quiet", id: "analysis-back", "aria-label": say("allAnalyses"), title: say("allAnalyses"), onclick: () => this.#back() }, icon("collapse")),
      element("h2", { id: "analysis-title" }, title));
  }

  /** The form again, with what was asked. */
  change() {
    this.shown = null;
    this.#address();
    this.draw();
    this.map.refresh();
    byId("analysis-run")?.focus();
  }

  /** The same question once more. */
  again() {
    return this.#start();
  }

  /** The panel is folded away: nothing is drawn for it. */
  close() {
    this.#leave();
    this.#address();
    this.draw();
    this.map.refresh();
  }
}

