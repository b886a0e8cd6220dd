// CPU and memory of each worker over the last minutes, as status after status tells it, and curves of them.

import { placeOf } from "./workers.js";

const KEPT = 90;
const LEAST_S = 1.5;
const SVG = "http://www.w3.org/2000/svg";

export class Usage {
  #samples = new Map();

  take(workers, now) {
    const kept = new Set();
    for (const worker of workers) {
      const place = placeOf(worker);
      kept.add(place);
      let found = this.#samples.get(place);
      if (!found || found.worker !== worker.worker) this.#samples.set(place, (found = { worker: worker.worker, at: 0, cpu: [], rss: [] }));
      if (worker.rss == null || now - found.at < LEAST_S) continue;
      found.at = now;
      for (const [name, value] of [["cpu", worker.cpu ?? 0], ["rss", worker.rss]]) {
        found[name].push(value);
        if (found[name].length > KEPT) found[name].shift();
      }
    }
    for (const place of this.#samples.keys()) if (!kept.has(place)) this.#samples.delete(place);
  }

  // From nothing at the bottom to the most at the top; the newest is at the right.
  draw(svg, place, name) {
    const values = this.#samples.get(place)?.[name] ?? [];
    let path = svg.firstElementChild;
    if (!path) {
      path = document.createElementNS(SVG, "path");
      svg.setAttribute("viewBox", "0 0 100 100");
      svg.setAttribute("preserveAspectRatio", "none");
      svg.append(path);
    }
    const most = Math.max(...values, 1e-9) * 1.1;
    const step = 100 / Math.max(1, Math.min(KEPT, Math.max(values.length, 12)) - 1);
    const first = 100 - (values.length - 1) * step;
    const line = values.map((value, i) => `${i ? "L" : "M"}${(first + i * step).toFixed(1)} ${(100 - (value / most) * 100).toFixed(1)}`).join("");
    if (path.getAttribute("d") !== line) path.setAttribute("d", line);
  }
}
