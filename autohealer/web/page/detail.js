// One worker: its curves, why its slot's lives ended, and what it writes.

import { hasToken, read, readWithToken } from "./api.js";
import { clock, element, milliseconds, share, size, unix, write } from "./format.js";
import { placeOf } from "./workers.js";

const AGAIN_MS = 2000;
const LINES = 200;
const STORIES = 20;
const by = (id) => document.getElementById(id);

export class Detail {
  #place = null;
  #slot = null;
  #timer = 0;

  constructor(usage) {
    this.usage = usage;
    this.dialog = by("detail");
    by("show-output").addEventListener("click", () => this.#readOutput());
    by("detail-close").addEventListener("click", () => this.dialog.close());
    this.dialog.addEventListener("close", () => {
      clearTimeout(this.#timer);
      this.#place = null;
    });
  }

  // `isHere`: the agent that gives this page runs it, and knows its story and its output.
  open(worker, isHere) {
    this.#place = placeOf(worker);
    this.#slot = isHere ? worker.slot : null;
    write(by("detail-title"), worker.slot == null ? `Worker ${worker.worker}` : `Slot ${worker.slot}`);
    by("why").replaceChildren();
    write(by("output"), isHere ? "" : `It runs on ${worker.host ?? "another host"}: that agent's page shows its output.`);
    by("output").hidden = isHere;
    by("show-output").hidden = !isHere;
    this.#fill(worker);
    this.dialog.showModal();
    if (this.#slot != null) this.#read();
  }

  take(workers) {
    const worker = this.#place && workers.find((each) => placeOf(each) === this.#place);
    if (worker) this.#fill(worker);
  }

  #fill(worker) {
    const facts = [worker.state, worker.ready ? "ready" : null, worker.pid && `pid ${worker.pid}`, worker.revision && `r${worker.revision}`,
      worker.address, worker.next_start && `next start ${clock(unix(worker.next_start))}`];
    write(by("detail-state"), facts.filter(Boolean).join(" · "));
    write(by("cpu-now"), share(worker.cpu));
    write(by("memory-now"), size(worker.rss));
    this.usage.draw(by("cpu-curve"), this.#place, "cpu");
    this.usage.draw(by("memory-curve"), this.#place, "rss");
  }

  async #read() {
    const slot = this.#slot;
    const incidents = await read("incidents", { worker: slot, limit: STORIES });
    if (this.#place === null || this.#slot !== slot) return;
    if (incidents) this.#drawWhy(incidents);
    if (hasToken()) await this.#readOutput();
    this.#timer = setTimeout(() => this.#read(), AGAIN_MS);
  }

  // What workers write may hold secrets of theirs: it is shown to who has the token.
  async #readOutput() {
    const slot = this.#slot;
    const output = await readWithToken("output", { slot, lines: LINES });
    if (output && this.#place !== null && this.#slot === slot) this.#drawOutput(output.lines);
  }

  #drawWhy(incidents) {
    const stories = incidents.map(story);
    if (!stories.length) stories.push(element("li", { text: "nothing has happened to it" }));
    by("why").replaceChildren(...stories);
  }

  // It follows, unless somebody has scrolled up to read.
  #drawOutput(lines) {
    const node = by("output");
    node.hidden = false;
    by("show-output").hidden = true;
    const follows = node.scrollTop + node.clientHeight >= node.scrollHeight - 8;
    write(node, lines.length ? lines.join("\n") : "nothing yet");
    if (follows) node.scrollTop = node.scrollHeight;
  }
}

// One incident in words: what it was, who noticed, how long it took, what came of it.
function story(incident) {
  const took = [["noticed", incident.noticed_ms], ["decided", incident.decided_ms], ["started", incident.started_ms], ["ready", incident.ready_ms]]
    .filter(([, value]) => typeof value === "number").map(([name, value]) => `${name} after ${milliseconds(value)}`);
  const head = `${clock(unix(incident.opened))}  ${incident.cause}${incident.detail ? `: ${incident.detail}` : ""}`;
  const facts = [incident.noticed_by && `by ${incident.noticed_by}`, ...took, incident.outcome].filter(Boolean).join(", ");
  const output = incident.evidence?.output;
  const said = Array.isArray(output) ? output.join("\n") : output;
  return element("li", {}, element("b", { text: head }), element("div", { class: "dim", text: facts }),
    ...(said ? [element("pre", { text: said })] : []));
}
