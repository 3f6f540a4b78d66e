// The telephone: what it says is written down, and spoken where sound is on.

import { ask } from "./ask.js";
import { byId, make } from "./dom.js";
import { hasVoice, hush, keyTone, ringBell, speak, stopBell, switchSound } from "./sound.js";
import { word } from "./words.js";

const MOST_LINES = 200;
const KEYS = "123456789*0#";
let state = "idle";
let other = "";
let pin = null;

export function beginPhone() {
  byId("keypad").append(...[...KEYS].map((key) =>
    make("button", { type: "button", "data-key": key, onclick: () => press(key) }, key)));
  byId("call").addEventListener("click", dial);
  byId("dialler").addEventListener("submit", (event) => { event.preventDefault(); dial(); });
  byId("answer").addEventListener("click", () => ask({ do: "answer" }));
  byId("hangup").addEventListener("click", () => ask({ do: state === "ringing" ? "decline" : "hangup" }));
  byId("silence").addEventListener("click", () => { write("me", word("silent")); ask({ do: "silence" }); });
  byId("say").addEventListener("submit", (event) => {
    event.preventDefault();
    const text = byId("words").value.trim();
    if (!text || state !== "talking") return;
    byId("words").value = "";
    hush();
    write("me", text);
    ask({ do: "say", text });
  });
  byId("sound").addEventListener("click", () => {
    const on = switchSound();
    byId("sound").setAttribute("aria-pressed", String(on));
    if (on && !hasVoice()) write("note", word("no_voice"));
    if (on && state === "ringing") ringBell();
  });
  document.addEventListener("keydown", ({ key, target, ctrlKey, altKey, metaKey }) => {
    const elsewhere = target.closest?.("input, #messages, #faults");
    if (!elsewhere && !ctrlKey && !altKey && !metaKey && key.length === 1 && KEYS.includes(key)) press(key);
  });
  become("idle");
}

// How it is when the page opens, or looks again.
export function connect({ number, pin: its, own_number: own, call }) {
  pin = its;
  if (!byId("to").value) byId("to").value = number ?? "";
  if (!byId("from").value && state === "idle") byId("from").value = own ?? "";
  become(call?.state ?? "idle", call?.state === "ringing" ? call.from : other);
}

export function hear(event) {
  switch (event.what) {
    case "calling":
      byId("transcript").replaceChildren();
      write("note", `${event.from || "—"} → ${event.to}`);
      return become("calling");
    case "ringing":
      byId("transcript").replaceChildren();
      ringBell();
      return become("ringing", event.from ?? "—");
    case "spoken":
      write("service", event.text);
      speak(event.text);
      return become("talking");
    case "listening":
      become("talking");
      byId("call-state").textContent = word(event.for === "speech" ? "listen_speech" : "listen_keys", Math.round(event.seconds));
      return undefined;
    case "music":
      write("note", word("music"));
      return become("talking");
    case "trouble":
      return write("note", event.text);
    case "ended":
      hush();
      write("note", word("ended", event.why));
      return become("idle");
    default:
      return undefined;
  }
}

export function retellPhone() {
  become(state, other);
}

function press(key) {
  keyTone(key);
  if (state !== "talking") {
    if (state === "idle" && /\d/.test(key)) byId("to").value += key;
    return;
  }
  hush();
  const last = byId("transcript").lastElementChild;
  if (last?.dataset.keys) last.textContent += key;
  else write("me", key).dataset.keys = "yes";
  ask({ do: "keys", keys: key });
}

function dial() {
  if (state === "idle") ask({ do: "dial", to: byId("to").value.trim() || null, from: byId("from").value.trim() });
}

function become(now, from = "") {
  state = now;
  other = from;
  if (now !== "ringing") stopBell();
  byId("phone").className = now;
  byId("call-state").textContent = word(now, from);
  byId("pin-hint").textContent = pin ? word("pin", pin) : "";
  byId("call").hidden = now === "ringing";
  byId("call").disabled = now !== "idle";
  byId("answer").hidden = now !== "ringing";
  byId("hangup").disabled = now === "idle";
  byId("silence").disabled = now !== "talking";
}

function write(who, text) {
  const transcript = byId("transcript"), line = make("li", { class: who }, text);
  transcript.append(line);
  while (transcript.childElementCount > MOST_LINES) transcript.firstElementChild.remove();
  transcript.scrollTop = transcript.scrollHeight;
  return line;
}
