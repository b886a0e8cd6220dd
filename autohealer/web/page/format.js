// States, events, times and numbers, as people read them. Glyphs and words are those of the dashboard on a terminal.

const STATES = {
  starting: ["◐", "heal"], standby: ["◇", "aside-ink"], running: ["●", "good"],
  stopping: ["◌", "warm"], backoff: ["▲", "bad"], done: ["✓", "good"], failed: ["✗", "bad"], gone: ["○", "dim"],
};
export const UNREADY = ["◑", "warm"];
export const HELD = ["‖", "warm"];
const EVENTS = {
  "worker.started": ["+", "heal"], "worker.ready": ["●", "good"], "worker.exited": ["✗", "bad"],
  "worker.faulty": ["!", "bad"], "worker.stopped": ["◌", "warm"], "worker.adopted": ["●", "good"],
  "worker.promoted": ["◇", "heal"], "worker.backoff": ["▲", "bad"], "agent.joined": ["+", "aside-ink"],
  "agent.left": ["−", "aside-ink"], "agent.draining": ["◌", "warm"], "leader.elected": ["★", "aside-ink"],
  "leader.lost": ["☆", "warm"], "plan.changed": ["≡", "dim"], "target.changed": ["≡", "dim"],
  "worker.unready": ["◑", "warm"], "worker.held": ["‖", "warm"], "worker.done": ["✓", "good"],
  "rollout.started": ["↻", "aside-ink"], "rollout.step": ["↻", "dim"], "rollout.finished": ["✓", "good"],
  "rollout.undone": ["↺", "bad"], "config.changed": ["≡", "dim"], "config.invalid": ["!", "bad"],
  "pool.below": ["▼", "bad"], "pool.recovered": ["●", "good"], "operation.done": ["›", "dim"],
  "operation.refused": ["!", "warm"], "zookeeper.connected": ["●", "good"], "zookeeper.suspended": ["▲", "bad"], "zookeeper.lost": ["▲", "bad"],
};
export const ORDER = Object.keys(STATES);

// Every sign on this page, with what it means.
export const SIGNS = [
  ...Object.entries(STATES).map(([state, look]) => [...look, state]),
  [...UNREADY, "running, not ready yet or no longer"],
  [...HELD, "faulty, and held"],
  ["★", "aside-ink", "the agent that leads"],
  ["↻", "aside-ink", "a rollout"],
  ["↺", "bad", "a rollout that was undone"],
];

export const stateLook = (state) => (Object.hasOwn(STATES, state) ? STATES[state] : ["?", "dim"]);
export const eventLook = (event) => (Object.hasOwn(EVENTS, event) ? EVENTS[event] : ["·", "dim"]);
export const isKnownState = (state) => Object.hasOwn(STATES, state);

const NUMBERS = new Intl.NumberFormat("en");
export const number = (value) => (typeof value === "number" ? NUMBERS.format(value) : "?");
export const count = (value, noun) => `${number(value)} ${noun}${value === 1 ? "" : "s"}`;

export function duration(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  const two = (value) => String(value).padStart(2, "0");
  if (whole < 60) return `${whole}s`;
  if (whole < 3600) return `${Math.floor(whole / 60)}m ${two(whole % 60)}s`;
  if (whole < 86400) return `${Math.floor(whole / 3600)}h ${two(Math.floor(whole / 60) % 60)}m`;
  return `${Math.floor(whole / 86400)}d ${two(Math.floor(whole / 3600) % 24)}h`;
}

export function milliseconds(value) {
  // The blanks do not break: a number stays with its unit.
  if (value < 10) return `${value.toFixed(1)}\u00a0ms`;
  return value < 1000 ? `${value.toFixed(0)}\u00a0ms` : `${(value / 1000).toFixed(1)}\u00a0s`;
}

export function size(bytes) {
  if (typeof bytes !== "number") return "–";
  let value = bytes;
  for (const unit of ["B", "K", "M", "G", "T"]) {
    if (value < 999.5 || unit === "T") return `${value.toFixed("MGT".includes(unit) && value < 99.95 ? 1 : 0)}${unit}`;
    value /= 1024;
  }
  return "–";
}

export const share = (part) => (typeof part === "number" ? `${(part * 100).toFixed(part < 0.0995 ? 1 : 0)}%` : "–");

const CLOCK = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit" });
const MINUTE = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit" });
export const clock = (unix_s) => (Number.isFinite(unix_s) ? CLOCK.format(unix_s * 1000) : "--:--:--");
export const minute = (unix_s) => MINUTE.format(unix_s * 1000);

export function unix(moment) {
  const parsed = typeof moment === "string" ? Date.parse(moment) : NaN;
  return parsed / 1000;
}

const who = (e) => (e.slot == null ? `worker ${e.worker}` : `worker ${e.slot}`) + (e.pid == null ? "" : ` (pid ${e.pid})`);
const how = (e) => (e.signal != null ? `by ${e.signal}` : e.code == null ? "" : `with exit code ${e.code}`);
const seconds = (value) => (typeof value === "number" ? `${value.toFixed(1)}\u00a0s` : "?\u00a0s");

const verdict = (e) => (e.detail ? `${e.cause}, ${e.detail}` : `${e.cause}`);
const operation = (e) => `${e.verb}${e.subject ? ` ${e.subject}` : ""}, asked for by ${e.by}`;
const rollout = (e) => `${e.verb} to r${e.revision}`;

// A start that was due at once is a heal; one after a backoff is none.
const after = (e) => (typeof e.backoff_ms === "number" ? ` again after a backoff of ${milliseconds(e.backoff_ms)}`
  : typeof e.heal_ms === "number" ? `, healed in ${milliseconds(e.heal_ms)}` : "");

const WORDS = {
  "worker.started": (e) => `${who(e)} started${after(e)}`,
  "worker.ready": (e) => `${who(e)} is ready`,
  "worker.unready": (e) => `${who(e)} is not ready` + (e.detail ? `: ${e.detail}` : ""),
  "worker.held": (e) => `${who(e)} is left running though it is faulty: ${verdict(e)}`,
  "worker.promoted": (e) => `${who(e)} promoted${after(e)}`,
  "worker.done": (e) => `${who(e)} ${e.failed ? "has failed" : "ended well"}, and is not started again`,
  "rollout.started": (e) => `${rollout(e)} begins, for ${e.by}: ${e.of} to be replaced`,
  "rollout.step": (e) => `${rollout(e)}: ${e.detail} (${e.exchanged} of ${e.of})`,
  "rollout.finished": (e) => `${rollout(e)}: ${e.exchanged} of ${e.of} replaced in ${seconds(e.seconds)}` + (e.detail ? `; ${e.detail}` : ""),
  "rollout.undone": (e) => `${rollout(e)}: undone, as ${e.detail}`,
  "config.changed": (e) => `${e.file} was read again: ${(e.pools ?? []).join(", ")} changed`,
  "config.invalid": (e) => `${e.file} does not hold, and changes nothing: ${e.detail}`,
  "pool.below": (e) => `only ${e.running} of ${e.share} workers are ready`,
  "pool.recovered": (e) => `all ${e.share} workers are ready again, after ${seconds(e.seconds)}`,
  "operation.done": (e) => `${operation(e)}: ${e.detail || "done"}`,
  "operation.refused": (e) => `${operation(e)}: refused, ${e.detail}`,
  "warning": (e) => String(e.text),
  "worker.exited": (e) => `${who(e)} ${e.signal ? "was killed" : "ended"} ${how(e)} after ${seconds(e.uptime)}`,
  "worker.stopped": (e) => `${who(e)} stopped ${how(e)}`,
  "worker.faulty": (e) => `${who(e)} is faulty: ${verdict(e)}`,
  "worker.adopted": (e) => `${who(e)} adopted`,
  "worker.backoff": (e) => `${who(e)} waits ${seconds(e.delay)} before its next start` + (e.reason ? `: ${e.reason}` : ""),
  "agent.joined": (e) => `agent ${e.agent} joined`,
  "agent.left": (e) => `agent ${e.agent} left`,
  "agent.draining": (e) => `stopping: ${e.cause}`,
  "leader.elected": (e) => `agent ${e.leader} leads`,
  "leader.lost": (e) => `agent ${e.leader} leads no more`,
  "plan.changed": (e) => `plan: ${e.target} workers over ${count(Object.keys(e.shares ?? {}).length, "agent")}` + (e.foreign ? `, ${e.foreign} foreign` : ""),
  "target.changed": (e) => `target: ${e.target} workers` + (e.former != null ? ` (was ${e.former})` : ""),
  "zookeeper.connected": () => "connected to ZooKeeper",
  "zookeeper.suspended": () => "ZooKeeper does not answer; workers go on",
  "zookeeper.lost": () => "the ZooKeeper session is lost; workers go on",
};

export function words(event) {
  const known = Object.hasOwn(WORDS, event.event) ? WORDS[event.event] : null;
  return known ? known(event) : String(event.event);
}

// What else an event says, such as a worker's last output.
export function evidence(event) {
  const lines = Array.isArray(event.output) ? event.output.map(String) : [];
  return [...(typeof event.evidence === "string" ? event.evidence.split("\n") : []), ...lines].join("\n");
}

// ---- elements. What comes from workers and znodes is text and nothing else.

export function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key === "text") made.textContent = value;
    else if (key === "class") made.className = value;
    else made.setAttribute(key, value);
  }
  made.append(...children);
  return made;
}

export function write(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

// A glyph and a word, in an element that has a place for each.
export function say(node, glyph, word, look = "") {
  write(node.querySelector(".glyph"), glyph);
  write(node.querySelector(".word"), word);
  const kept = ["good", "heal", "warm", "bad", "dim"];
  node.querySelector(".glyph").classList.remove(...kept);
  if (look) node.querySelector(".glyph").classList.add(look);
}
