// All that the page says, in both languages.

const WORDS = {
  zh: {
    title: "示範溫室", sound: "聲音", house: "溫室", phone: "電話", messages: "訊息", faults: "製造故障",
    ledger: "資料帳本", to: "撥給", from: "我的號碼（可空白）", keypad: "電話按鍵", speech: "說話", say: "說",
    silence: "不出聲", call: "撥號", answer: "接聽", hangup: "掛斷", search: "搜尋訊息", kinds: "要看的訊息種類",
    pause: "暫停", how: "怎麼算的？",
    how_text: "產生：交給代理程式送出的讀值，含它每一次執行。已確認：已證明伺服器收到。已儲存：平台上有的，重複的只算一次。等待：在記憶體或記憶卡上。遺失：產生了、平台沒有、也不在等待；只在代理程式連線時計算。斷電會帶走還沒送到、也還沒滿 5 秒而未寫到記憶卡的讀值。先問代理程式、隨後才問平台，所以「已儲存」可能暫時比「產生」多。",
    made: "產生", confirmed: "已確認", stored: "平台已儲存", waiting: "等待", on_disk: "在記憶卡上", dropped: "放棄",
    lost: "遺失", twice: "重複送達", verdict_ok: "一筆都沒有遺失。", verdict_wait: "{n} 筆在等待，連線後會送出。",
    verdict_lost: "遺失 {n} 筆。",
    agent_up: "代理程式執行中", agent_off: "代理程式已斷電", link_up: "已連線", link_down: "未連線", link_unknown: "連線不明",
    device: "裝置 {n}", gone: "與示範程式失去連線，正在重試……",
    idle: "待機", calling: "撥號中……", ringing: "來電：{n}", talking: "通話中", listen_keys: "請按鍵（{n} 秒）",
    listen_speech: "請說話（{n} 秒）", music: "♪ 等候音樂", ended: "通話結束：{n}", silent: "（不出聲）", pin: "電燈的密碼：{n}",
    no_voice: "這個瀏覽器沒有中文語音，只顯示文字。",
    network: "網路", broker: "平台伺服器", agent: "代理程式的電源", clock: "代理程式的時鐘", wires: "感測器的線",
    ok: "正常", cut: "斷線", blackhole: "黑洞", up: "正常", killed: "當掉", off: "斷電", clock_ok: "正確",
    clock_back: "慢 1 小時", clock_day: "快 1 天", clock_year: "快 1 年", unplug: "拔掉 {n}", dropped_why: "丟棄：{n}",
    good: "正常", stale: "過時", fault: "故障", unknown: "不明", none: "還沒有讀值", press: "按一下",
    chart: "{n} 的曲線，最近三分鐘", all: "全部",
    on: "開", off_word: "關", toggle: "切換", flash: "閃一下",
    temperature: "溫度", humidity: "濕度", load: "負載", disk: "磁碟", cpu: "CPU 溫度", button: "按鈕",
    lamp: "電燈", heater: "暖氣", fan: "風扇",
  },
  en: {
    title: "The greenhouse demo", sound: "Sound", house: "Greenhouse", phone: "Telephone", messages: "Messages",
    faults: "Break something", ledger: "Delivery ledger", to: "Call", from: "My number (or none)",
    keypad: "Keys of the telephone", speech: "Speech", say: "Say", silence: "Say nothing", call: "Call",
    answer: "Answer", hangup: "Hang up", search: "Search messages", kinds: "Kinds of messages to show",
    pause: "Pause", how: "How is this counted?",
    how_text: "Made: readings handed to the agent's delivery, over all its lives. Confirmed: the broker has provably read it. Stored: the platform has it, each counted once. Waiting: in the agent's memory or on its card. Lost: made, not stored, and waiting nowhere, reckoned while the agent is online. A power cut takes what was not yet delivered and younger than the 5 s after which it goes to the card. The platform is asked a moment after the agent, so stored may be ahead of made for a second.",
    made: "made", confirmed: "confirmed", stored: "stored by the platform", waiting: "waiting", on_disk: "on the card",
    dropped: "given up", lost: "lost", twice: "arrived again", verdict_ok: "Not one is lost.",
    verdict_wait: "{n} are waiting, and leave once there is a line.", verdict_lost: "{n} lost.",
    agent_up: "agent runs", agent_off: "agent has no power", link_up: "connected", link_down: "not connected",
    link_unknown: "link unknown", device: "device {n}", gone: "The demo is gone; trying again…",
    idle: "on the hook", calling: "Calling…", ringing: "{n} is calling", talking: "Talking",
    listen_keys: "Press a key ({n} s)", listen_speech: "Speak ({n} s)", music: "♪ music while you wait",
    ended: "Call ended: {n}", silent: "(silence)", pin: "PIN of the lamp: {n}",
    no_voice: "This browser has no Chinese voice: text only.",
    network: "Network", broker: "Broker of the platform", agent: "Power of the agent", clock: "Clock of the agent",
    wires: "Wires of sensors", ok: "fine", cut: "cut", blackhole: "black hole", up: "fine", killed: "killed",
    off: "power cut", clock_ok: "right", clock_back: "1 hour slow", clock_day: "1 day fast",
    clock_year: "1 year fast", unplug: "unplug {n}", dropped_why: "dropped: {n}",
    good: "good", stale: "stale", fault: "faulty", unknown: "unknown", none: "no reading yet", press: "press",
    chart: "curve of {n}, the last three minutes", all: "all",
    on: "on", off_word: "off", toggle: "toggle", flash: "flash",
    temperature: "temperature", humidity: "humidity", load: "load", disk: "disk", cpu: "CPU temperature",
    button: "button", lamp: "lamp", heater: "heater", fan: "fan",
  },
};
const KEPT = "cht-demo-language";

let language = kept() ?? (navigator.language.toLowerCase().startsWith("zh") ? "zh" : "en");

// The word for `key` with `n` in its place; a key that has none (an id, a command) is its own word.
export function word(key, n = "") {
  const found = Object.hasOwn(WORDS[language], key) ? WORDS[language][key] : key;
  return found.replace("{n}", n);
}

// "off" is said of a lamp as of a power supply, but not with the same word.
export const commandWord = (cmd) => word(cmd === "off" ? "off_word" : cmd);

export function translate() {
  document.documentElement.lang = language === "zh" ? "zh-Hant" : "en";
  document.title = word("title");
  for (const element of document.querySelectorAll("[data-w]")) element.textContent = word(element.dataset.w);
  for (const element of document.querySelectorAll("[data-w-label]")) {
    element.setAttribute("aria-label", word(element.dataset.wLabel));
    if ("placeholder" in element) element.placeholder = word(element.dataset.wLabel);
  }
  const other = document.getElementById("language");
  other.textContent = language === "zh" ? "English" : "中文";
  other.lang = language === "zh" ? "en" : "zh-Hant";
}

export function otherLanguage() {
  language = language === "zh" ? "en" : "zh";
  try { localStorage.setItem(KEPT, language); } catch { /* private windows keep nothing */ }
  translate();
}

function kept() {
  try {
    const found = localStorage.getItem(KEPT);
    return found in WORDS ? found : null;
  } catch {
    return null;
  }
}
