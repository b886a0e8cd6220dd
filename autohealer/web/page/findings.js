// What is not as wanted, and why, in the words of the dashboard on a terminal. The worst comes first; empty: all is well.

import { duration, number, unix } from "./format.js";

const YOUNG_S = 60; // a worker that is not ready is about to be, for so long after its start

export function findings(status, history, now) {
  const found = [
    ...crashLoops(status, history, now), ...finished(status), ...held(status), ...zookeeper(status, history, now),
    ...notReady(status, now), ...file(status), ...rollout(status),
  ];
  return found.map(([look, glyph, words, detail]) => ({ look, glyph, words, detail: detail ?? "" }));
}

function crashLoops(status, history, now) {
  const alike = new Map();
  for (const worker of status.workers) {
    if (worker.state !== "backoff") continue;
    const said = history.lastWords.get(worker.slot) ?? "";
    const key = `${worker.cause ?? ""}\n${said}`;
    if (!alike.has(key)) alike.set(key, { said, cause: worker.cause ?? "", slots: [], next: Infinity });
    const loop = alike.get(key);
    loop.slots.push(worker.slot);
    const next = unix(worker.next_start);
    if (Number.isFinite(next)) loop.next = Math.min(loop.next, next);
  }
  return [...alike.values()].sort((a, b) => b.slots.length - a.slots.length).map(({ said, cause, slots, next }) => {
    const who = slots.length === 1 && slots[0] != null ? `slot ${slots[0]} is` : `${number(slots.length)} are`;
    const soon = Number.isFinite(next) ? `next try in ${duration(next - now + 0.9)}` : "";
    return ["bad", "▲", `${who} crash-looping: ${said || cause || "no output"}`, [said && cause, soon].filter(Boolean).join(", ")];
  });
}

function finished(status) {
  const { done = 0, failed = 0 } = status.done ?? {};
  if (!done && !failed) return [];
  const words = `${number(done)} done, ${number(failed)} failed`;
  return [[failed ? "bad" : "good", failed ? "✗" : "✓", words, "they are not started again"]];
}

function held(status) {
  const causes = new Map();
  for (const { held: cause } of status.workers) if (cause != null) causes.set(cause, (causes.get(cause) ?? 0) + 1);
  const senses = status.held ?? [];
  const found = [...causes].sort((a, b) => b[1] - a[1]).map(([cause, many]) => {
    const onRequest = senses.includes(cause) || senses.includes("all");
    return ["warm", "‖", `${number(many)} faulty and held: ${cause}`, onRequest ? "on request; autohealer release" : "by the brake"];
  });
  if (senses.length && !causes.size) found.push(["warm", "‖", `verdicts are held: ${senses.join(", ")}`, "autohealer release ends it"]);
  return found;
}

function zookeeper(status, history, now) {
  if (status.connected) return [];
  const since = history.zookeeperSince;
  if (since == null) return [["bad", "▲", `ZooKeeper at ${status.zookeeper} has not answered yet`]];
  return [["bad", "▲", `ZooKeeper has been away for ${duration(now - since)}`, "workers go on, heals too"]];
}

// Those that are starting stand among the states; a line that comes and goes with each heal would only move the rest.
function notReady(status, now) {
  const old = ({ state, ready, held: cause, started }) =>
    state === "running" && ready === false && cause == null && now - unix(started) >= YOUNG_S;
  const many = status.workers.filter(old).length;
  return many ? [["warm", "◑", `${number(many)} running, not ready`]] : [];
}

function file(status) {
  const config = status.config;
  if (config?.state === "invalid") return [["bad", "!", `${config.file} on disk is wrong: ${config.detail ?? ""}`, "what runs is unchanged"]];
  if (config?.state === "differs") return [["warm", "≠", `${config.file} on disk differs`, "autohealer reload applies it"]];
  return [];
}

function rollout(status) {
  const under = status.rollout;
  if (!under) return [];
  const to = under.to == null ? "" : ` to r${under.to}`;
  const done = under.of == null ? "" : `: ${number(under.exchanged ?? 0)} of ${number(under.of)} replaced`;
  return [["heal", "↻", `${under.verb}${to}${done}`, under.by ? `asked by ${under.by}` : ""]];
}
