// Everything around the table: the count, the tiles, the agents, the events in words.

import { findings } from "./findings.js";
import { ORDER, clock, count, duration, element, evidence, eventLook, milliseconds, number, say, stateLook, unix, words, write } from "./format.js";

const SHOWN_EVENTS = 60;
const ADDRESS = /^(?:[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:]+\]):\d{1,5}$/;
const by = (id) => document.getElementById(id);

// ---- the pool

export function drawPool(status, history, now) {
  const wanted = status.target == null ? null : Math.max(0, status.target - (status.foreign ?? 0));
  write(by("pool"), status.pool);
  document.title = `${number(status.running)}/${number(wanted ?? undefined)} ${status.pool} · autohealer`;
  write(by("running"), number(status.running));
  write(by("wanted"), number(wanted ?? undefined));
  const found = findings(status, history, now);
  sentence(status, wanted, found);
  drawFindings(found);
  drawStates(status);
  drawTiles(status, history, now);
  drawZooKeeper(status, history, now);
  drawAgents(status);
}

function sentence(status, wanted, found) {
  const node = by("sentence");
  if (wanted == null) say(node, "◌", "the target is not known yet", "warm");
  else if (found.some(({ look }) => look === "bad")) say(node, "✗", "not as wanted", "bad");
  else if (status.running < wanted) say(node, "◐", `${number(wanted - status.running)} missing, healing`, "heal");
  else if (status.running > wanted) say(node, "◌", `${number(status.running - wanted)} too many, stopping`, "warm");
  else if (found.some(({ look }) => look === "warm")) say(node, "!", "attention", "warm");
  else if (wanted === 0) say(node, "○", "nothing is to run", "dim");
  else if (found.some(({ look }) => look === "heal")) say(node, "↻", "working", "heal");
  else say(node, "●", "all as wanted", "good");
}

function drawFindings(found) {
  const list = by("findings");
  list.hidden = !found.length;
  keep(list, found, (one) => `${one.look} ${one.glyph} ${found.indexOf(one)}`, () => element("li", {},
    element("span", { class: "glyph", "aria-hidden": "true" }), " ", element("span", { class: "word" }), " ", element("span", { class: "more" })),
  (node, { look, glyph, words, detail }) => {
    say(node, glyph, words, look);
    write(node.querySelector(".more"), detail && `· ${detail}`);
  });
}

function drawStates(status) {
  const counts = new Map();
  for (const worker of status.workers) counts.set(worker.state, (counts.get(worker.state) ?? 0) + 1);
  const states = [...counts.keys()].sort((a, b) => ORDER.indexOf(a) - ORDER.indexOf(b));
  keep(by("states"), states, (state) => state, () => {
    const glyph = element("span", { class: "glyph", "aria-hidden": "true" });
    return element("li", {}, glyph, " ", element("b"), " ", element("span", { class: "word" }));
  }, (node, state) => {
    const [glyph, look] = stateLook(state);
    say(node, glyph, state, look);
    write(node.querySelector("b"), number(counts.get(state)));
  });
}

function drawTiles(status, history, now) {
  const [p50, p95] = [history.percentile(0.5), history.percentile(0.95)];
  const leader = status.agents.find((agent) => agent.agent === status.leader);
  const tiles = [
    ["Registered", number(status.registered), status.foreign ? `and ${number(status.foreign)} foreign` : "in ZooKeeper"],
    ["Time to heal, p50", p50 == null ? "–" : milliseconds(p50), p50 == null ? "nothing healed yet" : "from death to running"],
    ["Time to heal, p95", p95 == null ? "–" : milliseconds(p95), p95 == null ? "" : "of the last thousand"],
    ["Agents", number(status.agents.length), hosts(status)],
    ["Last death", ...lastDeath(history, now)],
    ["Leader", status.leader ?? "none", leads(status, leader), true],
  ];
  keep(by("tiles"), tiles, (tile) => tile[0], (tile) => element("div", { class: "tile" },
    element("dt", { text: tile[0] }), element("dd", { class: tile[3] ? "text" : "" }), element("dd", { class: "more" })),
  (node, [, value, more]) => {
    const [main, small] = node.querySelectorAll("dd");
    write(main, value);
    if (main.title !== value) main.title = value;
    write(small, more || " ");
  });
}

function lastDeath(history, now) {
  const died = history.lastDeath;
  if (!died) return ["–", "none that is known of"];
  const since = now - unix(died.time);
  return [since < 1 ? "now" : `${duration(since).split(" ")[0]} ago`, `slot ${died.slot}, ${died.how}`];
}

function leads(status, leader) {
  const epoch = status.epoch == null ? "" : `epoch …${String(status.epoch).slice(-6)}`;
  return [leader?.host ? `on ${leader.host}` : "", epoch].filter(Boolean).join(" · ");
}

function hosts(status) {
  const names = new Set(status.agents.map((agent) => agent.host).filter(Boolean));
  return `on ${count(names.size, "host")}`;
}

function drawZooKeeper(status, history, now) {
  const since = history.zookeeperSince == null ? "" : ` · ${duration(now - history.zookeeperSince)}`;
  if (status.connected) say(by("zookeeper"), "●", `ZooKeeper ${status.zookeeper}`, "good");
  else say(by("zookeeper"), "▲", `ZooKeeper away${since}`, "bad");
}

function drawAgents(status) {
  keep(by("agents"), status.agents, (agent) => agent.agent, (agent) => element("li", {},
    element("span", { class: "name" }), element("span", { class: "share" }), element("span", { class: "more" })),
  (node, agent) => {
    const name = node.querySelector(".name");
    const leads = agent.agent === status.leader ? "★ " : "";
    const isElsewhere = agent.http != null && ADDRESS.test(agent.http) && agent.http !== location.host;
    if (isElsewhere && !name.firstElementChild) {
      name.replaceChildren(element("span"), element("a", { href: `http://${agent.http}/`, rel: "noreferrer" }));
    }
    if (name.firstElementChild) {
      write(name.firstElementChild, leads);
      write(name.lastElementChild, agent.agent);
    } else write(name, leads + agent.agent);
    write(node.querySelector(".share"), `${number(agent.running)} of ${number(agent.share)}`);
    const facts = [agent.host ?? "?", `pid ${agent.pid ?? "?"}`, leads && "leads", agent.draining && "is being emptied"];
    write(node.querySelector(".more"), facts.filter(Boolean).join(" · "));
  });
}

// ---- events

const drawn = new WeakMap();

export function drawEvents(history) {
  const list = by("events");
  const latest = history.events.slice(-SHOWN_EVENTS).reverse();
  keep(list, latest, (event) => event, (event) => {
    const [glyph, look] = eventLook(event.event);
    const said = evidence(event);
    return element("li", {},
      element("time", { text: clock(unix(event.time)), datetime: String(event.time) }),
      element("span", { class: `glyph ${look}`, text: glyph, "aria-hidden": "true" }),
      element("span", { class: "words", text: words(event) }),
      ...(said ? [element("details", {}, element("summary", { text: "what it said" }), element("div", { class: "said", text: said }))] : []));
  }, () => {});
}

// The children of a node, one for each item, in this order; a child is made once and then only filled again.
function keep(node, items, key, make, fill) {
  let known = drawn.get(node);
  if (!known) drawn.set(node, (known = new Map()));
  const kept = new Set();
  let before = null;
  for (const item of items) {
    const name = key(item);
    kept.add(name);
    let child = known.get(name);
    if (!child) known.set(name, (child = make(item)));
    fill(child, item);
    const next = before ? before.nextSibling : node.firstChild;
    if (child !== next) node.insertBefore(child, next);
    before = child;
  }
  for (const [name, child] of known) {
    if (!kept.has(name)) {
      child.remove();
      known.delete(name);
    }
  }
}
