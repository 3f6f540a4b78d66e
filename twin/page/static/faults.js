// What can be broken, and what became of the readings meanwhile.

import { ask } from "./ask.js";
import { byId, make } from "./dom.js";
import { word } from "./words.js";

const CLOCKS = [[0, "clock_ok"], [-3600, "clock_back"], [86400, "clock_day"], [31536000, "clock_year"]];
const COUNTS = ["made", "confirmed", "stored", "waiting", "on_disk", "lost", "dropped", "twice"];
let levers = [];

export function layLevers(things) {
  const pluggable = things.sensors.filter(({ pluggable: can }) => can).map(({ id }) => id);
  levers = [];
  byId("levers").replaceChildren(
    choice("network", [["ok", "ok"], ["cut", "cut"], ["blackhole", "blackhole"]].map(([state, key]) =>
      lever(word(key), state !== "ok", (faults) => faults.network === state, () => ask({ do: "network", state })))),
    choice("broker", ["up", "killed"].map((state) =>
      lever(word(state), state !== "up", (faults) => faults.broker === state, () => ask({ do: "broker", state })))),
    choice("agent", ["up", "off"].map((state) =>
      lever(word(state), state !== "up", (faults) => faults.agent === state, () => ask({ do: "agent", state })))),
    choice("clock", CLOCKS.map(([seconds, key]) =>
      lever(word(key), seconds !== 0, (faults) => faults.clock === seconds, () => ask({ do: "clock", seconds })))),
    choice("wires", pluggable.map((id) => lever(word("unplug", word(id)), true,
      (faults) => faults.unplugged.includes(id),
      (pressed) => ask({ do: pressed ? "plug" : "unplug", sensor: id })))));
}

export function showFaults(faults) {
  for (const { button, holds } of levers) button.setAttribute("aria-pressed", String(holds(faults)));
}

export function showLedger(ledger) {
  byId("counts").replaceChildren(...COUNTS.map((name) =>
    make("div", { "data-count": name, class: ledger[name] && (name === "lost" || name === "dropped") ? "bad" : null },
      make("dt", {}, word(name)), make("dd", {}, String(ledger[name])))));
  const verdict = byId("verdict");
  verdict.className = ledger.lost ? "bad" : ledger.waiting ? "wait" : "";
  const said = ledger.lost ? word("verdict_lost", ledger.lost)
    : ledger.waiting ? word("verdict_wait", ledger.waiting) : word("verdict_ok");
  if (verdict.textContent !== said) verdict.textContent = said;
}

function choice(key, buttons) {
  return make("fieldset", { "data-lever": key }, make("legend", {}, word(key)), ...buttons);
}

function lever(text, harm, holds, pull) {
  const button = make("button", {
    type: "button", class: harm ? "harm" : null, "aria-pressed": "false",
    onclick: async () => {
      button.disabled = true; // some take seconds
      await pull(button.getAttribute("aria-pressed") === "true");
      button.disabled = false;
    },
  }, text);
  levers.push({ button, holds });
  return button;
}
