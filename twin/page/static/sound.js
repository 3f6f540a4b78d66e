// What the telephone lets one hear: its voice, its keys, its bell. Off until somebody wants it,
// as browsers play nothing before a click.

const ROWS = [697, 770, 852, 941], COLUMNS = [1209, 1336, 1477], KEYS = "123456789*0#";

let on = false;
let audio = null;
let bell = 0;

// Whether it is on now.
export function switchSound() {
  on = !on;
  if (on) audio ??= new AudioContext();
  else { hush(); stopBell(); }
  return on;
}

export const hasVoice = () => Boolean(chinese());

export function speak(text) {
  if (!on || !window.speechSynthesis) return;
  const spoken = new SpeechSynthesisUtterance(text);
  spoken.lang = /[\u3400-\u9fff]/.test(text) ? "zh-TW" : "en-US";
  if (spoken.lang === "zh-TW") spoken.voice = chinese();
  speechSynthesis.speak(spoken);
}

export function hush() {
  window.speechSynthesis?.cancel();
}

export function keyTone(key) {
  const at = KEYS.indexOf(key);
  if (at >= 0) tone([ROWS[Math.floor(at / 3)], COLUMNS[at % 3]], 0.15);
}

export function ringBell() {
  stopBell();
  tone([440, 480], 1);
  bell = setInterval(() => tone([440, 480], 1), 3000);
}

export function stopBell() {
  clearInterval(bell);
}

function tone(pitches, seconds) {
  if (!on || !audio) return;
  const loudness = audio.createGain();
  loudness.gain.value = 0.06;
  loudness.connect(audio.destination);
  for (const pitch of pitches) {
    const source = audio.createOscillator();
    source.frequency.value = pitch;
    source.connect(loudness);
    source.start();
    source.stop(audio.currentTime + seconds);
  }
}

function chinese() {
  const voices = window.speechSynthesis?.getVoices() ?? [];
  return voices.find(({ lang }) => /^zh[-_]TW/i.test(lang)) ?? voices.find(({ lang }) => /^(zh|cmn)/i.test(lang)) ?? null;
}
