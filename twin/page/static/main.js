// The page: what the demo tells, shown; what is clicked, asked of it.

import { complain } from "./ask.js";
import { byId } from "./dom.js";
import { layLevers, showFaults, showLedger } from "./faults.js";
import { beginHouse, furnish, showActuator, showQuality, showReading } from "./house.js";
import { beginMessages, forget, pass, passLog, showAll } from "./messages.js";
import { beginPhone, connect, hear, retellPhone } from "./phone.js";
import { otherLanguage, translate, word } from "./words.js";

let told = null; // the last hello, kept up to date, for the other language

const TOLD = {
  hello(hello) {
    told = hello;
    forget(hello.messages);
    showHello();
    connect(hello);
    complain("");
  },
  reading(reading) {
    told.readings.push(reading);
    if (told.readings.length > 3000) told.readings.splice(0, 500);
    showReading(reading);
  },
  sensor(sensor) {
    Object.assign(told.things.sensors.find(({ id }) => id === sensor.id) ?? {}, sensor);
    showQuality(sensor);
  },
  actuator(actuator) {
    Object.assign(told.things.actuators.find(({ id }) => id === actuator.id) ?? {}, actuator);
    showActuator(actuator);
  },
  message: pass,
  log: passLog,
  ledger(ledger) { told.ledger = ledger; showLedger(ledger); },
  faults(faults) { told.faults = faults; showFaults(faults); },
  agent(agent) { told.agent = agent; showAgent(agent); },
  phone: hear,
};

function showHello() {
  furnish({ ...told, now: new Date(Date.now() + ahead()).toISOString() });
  layLevers(told.things);
  showFaults(told.faults);
  showLedger(told.ledger);
  showAgent(told.agent);
  byId("pill-device").textContent = told.device ? word("device", told.device) : "";
}

// Milliseconds by which the demo's clock was ahead when it said hello.
function ahead() {
  told.ahead ??= Date.parse(told.now) - Date.now();
  return told.ahead;
}

function showAgent({ running, link }) {
  pill("pill-agent", word(running ? "agent_up" : "agent_off"), running);
  pill("pill-link", word(link === null ? "link_unknown" : link === "up" ? "link_up" : "link_down"), link === "up");
}

function pill(id, text, good) {
  byId(id).textContent = text;
  byId(id).className = `pill ${good ? "good" : "bad"}`;
}

translate();
beginPhone();
beginHouse();
beginMessages();
byId("language").addEventListener("click", () => {
  otherLanguage();
  if (told) showHello();
  retellPhone();
  showAll();
});

const feed = new EventSource("events");
for (const [name, show] of Object.entries(TOLD)) {
  feed.addEventListener(name, ({ data }) => show(JSON.parse(data)));
}
feed.addEventListener("error", () => complain(word("gone")));
