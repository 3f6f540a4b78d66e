// Asks for something to be done, one after the other, and shows what was refused.

import { byId } from "./dom.js";

let last = Promise.resolve();
let hide = 0;

export function ask(what) {
  last = last.then(() => post(what));
  return last;
}

export function complain(text) {
  const trouble = byId("trouble");
  trouble.textContent = text;
  trouble.hidden = !text;
  clearTimeout(hide);
  if (text) hide = setTimeout(() => { trouble.hidden = true; }, 8000);
}

async function post(what) {
  try {
    const answer = await fetch("do", {
      method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(what),
    });
    if (!answer.ok) complain((await answer.json()).error);
    return answer.ok;
  } catch {
    complain("the demo does not answer · 示範程式沒有回應");
    return false;
  }
}
