// The greenhouse: a picture of it, a switch for every actuator, a curve of every sensor.

import { ask } from "./ask.js";
import { Curve } from "./curve.js";
import { byId, drawnOnce, make } from "./dom.js";
import { commandWord, word } from "./words.js";

const sensors = new Map();
const actuators = new Map();
let furnished = ""; // what it was furnished with: left alone while it is the same, lest a click miss
let ahead = 0; // milliseconds by which the demo's clock is ahead of the browser's

const redraw = drawnOnce(() => {
  const now = Date.now() + ahead;
  for (const { curve } of sensors.values()) curve.draw(now);
});

export function beginHouse() {
  setInterval(() => { if (!document.hidden) redraw(); }, 1000);
  addEventListener("resize", redraw);
  document.addEventListener("visibilitychange", redraw);
}

export function furnish({ things, readings, now }) {
  ahead = Date.parse(now) - Date.now();
  const wanted = JSON.stringify([word("house"), things.sensors.map(({ id }) => id), things.actuators.map(({ id }) => id)]);
  if (wanted !== furnished) build(things);
  furnished = wanted;
  for (const sensor of things.sensors) {
    sensors.get(sensor.id).unit = sensor.unit;
    showQuality(sensor);
  }
  for (const actuator of things.actuators) showActuator(actuator);
  readings.forEach(showReading);
  redraw();
}

function build(things) {
  sensors.clear();
  actuators.clear();
  // What hangs on a wire is what one came for, so it comes first.
  const wired = [...things.sensors].sort((one, two) => two.pluggable - one.pluggable);
  byId("sensors").replaceChildren(...wired.map(sensorCard));
  byId("actuators").replaceChildren(...things.actuators.map(actuatorCard));
}

export function showReading({ id, time, values }) {
  const sensor = sensors.get(id);
  if (!sensor) return;
  const text = values.join(" / ");
  sensor.value.textContent = sensor.unit ? `${text} ${sensor.unit}` : text;
  sensor.curve.add(Date.parse(time), Number(values[0]));
  if (id === "temperature") byId("scene-temperature").textContent = sensor.value.textContent;
  redraw();
}

export function showQuality({ id, state, why }) {
  const sensor = sensors.get(id);
  if (!sensor) return;
  sensor.card.className = state;
  sensor.quality.textContent = state === "good" ? "" : [word(state), why].filter(Boolean).join(" · ");
  sensor.quality.title = why ?? "";
}

export function showActuator({ id, state }) {
  const actuator = actuators.get(id);
  if (!actuator) return;
  const on = state !== null && state !== "off" && state !== "0";
  actuator.value.textContent = state === null ? "—" : commandWord(state);
  actuator.value.classList.toggle("state-on", on);
  for (const [cmd, button] of actuator.buttons) {
    if (cmd === "on" || cmd === "off") button.setAttribute("aria-pressed", String(cmd === state));
  }
  byId(`scene-${id}`)?.classList.toggle("on", on);
}

function sensorCard({ id, unit, edge }) {
  const value = make("span", { class: "value" }, "—");
  const quality = make("p", { class: "quality" });
  const canvas = make("canvas", { role: "img", "aria-label": word("chart", word(id)) });
  const card = make("li", { "data-sensor": id },
    make("div", { class: "name" }, make("span", {}, word(id)), value), canvas, quality);
  if (edge) {
    card.append(make("div", { class: "buttons" },
      make("button", { type: "button", onclick: () => ask({ do: "press", button: id }) }, word("press"))));
  }
  sensors.set(id, { card, value, quality, unit, curve: new Curve(canvas, edge) });
  return card;
}

function actuatorCard({ id, commands }) {
  const value = make("span", { class: "value" }, "—");
  const buttons = commands.map((cmd) => [cmd, make("button", {
    type: "button", "aria-label": `${word(id)} ${commandWord(cmd)}`,
    onclick: () => ask({ do: "command", actuator: id, cmd }),
  }, commandWord(cmd))]);
  actuators.set(id, { value, buttons });
  return make("li", { "data-actuator": id },
    make("div", { class: "name" }, make("span", {}, word(id)), value),
    make("div", { class: "buttons" }, ...buttons.map(([, button]) => button)));
}
