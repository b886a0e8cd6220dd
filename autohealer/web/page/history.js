// What has happened, folded: deaths and heals by second, heal times, the last death. What the cause was, events say.

import { unix } from "./format.js";

const KEPT_S = 7200;
const KEPT_HEALS = 1000;
const KEPT_EVENTS = 200;
const FOLDERS = /^\/(?:[^/:\s]+\/)+(?=[^/:\s]+: )/; // of "/usr/bin/python3: can't open file"

export class History {
  events = [];
  zookeeperSince = null;
  lastDeath = null;
  lastWords = new Map(); // of each slot, what its worker wrote last before it died
  #seconds = new Map();
  #heals = [];
  #sorted = null;
  #unproven = new Map(); // of each worker that has not been ready yet, the heal that it was started for

  take(event) {
    this.events.push(event);
    if (this.events.length > 2 * KEPT_EVENTS) this.events.splice(0, this.events.length - KEPT_EVENTS);
    if (event.event === "worker.backoff" && event.slot != null && Array.isArray(event.output)) {
      const said = event.output.map((line) => String(line).trim()).filter(Boolean).at(-1);
      if (said) this.lastWords.set(event.slot, said.replace(FOLDERS, ""));
    }
    const at = unix(event.time);
    if (!Number.isFinite(at)) return;
    this.#prove(event);
    if (event.event === "worker.exited" && event.slot != null) {
      this.#second(at).deaths += 1;
      this.lastDeath = { time: event.time, slot: event.slot, how: String(event.cause) };
    } else if ((event.event === "worker.started" || event.event === "worker.promoted") && typeof event.heal_ms === "number") {
      const second = this.#second(at);
      second.heals.push(event.heal_ms);
      this.#heals.push(event.heal_ms);
      if (event.worker) this.#unproven.set(event.worker, { second, ms: event.heal_ms });
      if (this.#heals.length > KEPT_HEALS) this.#heals.shift();
      this.#sorted = null;
    } else if (String(event.event).startsWith("zookeeper.")) {
      this.zookeeperSince = at;
    }
  }

  // A replacement that ends before it was ready has healed nothing: that heal is taken back.
  #prove(event) {
    if (!["worker.ready", "worker.stopped", "worker.exited"].includes(event.event)) return;
    const heal = this.#unproven.get(event.worker);
    this.#unproven.delete(event.worker);
    if (!heal || event.event !== "worker.exited") return;
    for (const heals of [heal.second.heals, this.#heals]) {
      const index = heals.lastIndexOf(heal.ms);
      if (index >= 0) heals.splice(index, 1);
    }
    this.#sorted = null;
  }

  // Of the last thousand heals, in milliseconds.
  percentile(fraction) {
    if (!this.#heals.length) return null;
    this.#sorted ??= [...this.#heals].sort((a, b) => a - b);
    return this.#sorted[Math.min(this.#sorted.length - 1, Math.floor(fraction * this.#sorted.length))];
  }

  // So many columns of so many seconds; the last one is now. They begin at whole multiples, and so move by whole columns.
  strip(now, columns, bucket_s) {
    const last = Math.floor(now / bucket_s);
    const found = Array.from({ length: columns }, (_, i) => ({ from: (last - columns + 1 + i) * bucket_s, deaths: 0, heals: [] }));
    for (const [second, at] of this.#seconds) {
      const column = columns - 1 - (last - Math.floor(second / bucket_s));
      if (column >= 0 && column < columns) {
        found[column].deaths += at.deaths;
        found[column].heals.push(...at.heals);
      }
    }
    return found;
  }

  #second(at) {
    const second = Math.floor(at);
    let found = this.#seconds.get(second);
    if (!found) {
      found = { deaths: 0, heals: [] };
      this.#seconds.set(second, found);
      if (this.#seconds.size > KEPT_S) this.#seconds.delete(this.#seconds.keys().next().value);
    }
    return found;
  }
}
