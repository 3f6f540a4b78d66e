// The messages as they pass, the newest first: bounded, whatever comes.

import { byId, drawnOnce, make } from "./dom.js";
import { word } from "./words.js";

const MOST_KEPT = 500, MOST_SHOWN = 100;
const kept = []; // the newest last
const hidden = new Set(["log"]);
let paused = false;
let fresh = 0; // of the newest, not shown yet

const more = drawnOnce(() => {
  if (paused || document.hidden) return;
  const rows = kept.slice(kept.length - Math.min(fresh, kept.length)).filter(isWanted).reverse();
  fresh = 0;
  const list = byId("passed");
  list.prepend(...rows.slice(0, MOST_SHOWN).map(row));
  while (list.childElementCount > MOST_SHOWN) list.lastElementChild.remove();
});

export function beginMessages() {
  byId("search").addEventListener("input", showAll);
  byId("pause").addEventListener("click", () => {
    paused = !paused;
    byId("pause").setAttribute("aria-pressed", String(paused));
    if (!paused) showAll();
  });
  document.addEventListener("visibilitychange", showAll);
}

export function forget(messages) {
  const log = kept.filter(({ kind }) => kind === "log");
  kept.length = 0;
  kept.push(...[...log, ...messages].sort((one, two) => Date.parse(one.time) - Date.parse(two.time)));
  for (const { kind } of kept) chip(kind);
  showAll();
}

export function pass(message) {
  kept.push(message);
  if (kept.length > MOST_KEPT) kept.shift();
  chip(message.kind);
  fresh += 1;
  more();
}

export function passLog({ time, who, text }) {
  pass({ n: 0, time, from: who, topic: who, kind: "log", text, dropped: null });
}

export function showAll() {
  if (paused || document.hidden) return;
  fresh = 0;
  byId("passed").replaceChildren(...kept.filter(isWanted).slice(-MOST_SHOWN).reverse().map(row));
}

function isWanted({ kind, topic, text }) {
  const wanted = byId("search").value.trim().toLowerCase();
  return !hidden.has(kind) && (!wanted || `${kind} ${topic} ${text}`.toLowerCase().includes(wanted));
}

function chip(kind) {
  const chips = byId("kinds");
  if ([...chips.children].some(({ dataset }) => dataset.kind === kind)) return;
  chips.append(make("button", {
    type: "button", "data-kind": kind, "aria-pressed": String(!hidden.has(kind)),
    onclick: ({ currentTarget }) => {
      if (!hidden.delete(kind)) hidden.add(kind);
      currentTarget.setAttribute("aria-pressed", String(!hidden.has(kind)));
      showAll();
    },
  }, kind));
}

function row({ time, from, topic, kind, text, dropped }) {
  const item = make("li", { class: from },
    make("div", { class: "head" }, make("time", { datetime: time }, clock(time)),
      make("span", { class: "kind" }, kind), make("span", { class: "topic" }, topic)));
  if (dropped) item.append(make("div", { class: "dropped" }, word("dropped_why", dropped)));
  if (text) item.append(make("pre", {}, readable(text)));
  return item;
}

const clock = (time) => new Date(time).toLocaleTimeString("sv", { hour12: false });

// One element a line: short enough to see many, long enough to read each.
function readable(text) {
  try {
    const content = JSON.parse(text);
    if (Array.isArray(content)) return content.map((each) => JSON.stringify(each)).join("\n");
    if (content && typeof content === "object") {
      const whole = JSON.stringify(content);
      return whole.length < 90 ? whole : JSON.stringify(content, null, 1);
    }
  } catch { /* not JSON: as it is */ }
  return text;
}
