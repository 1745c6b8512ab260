// The console: asks for a grant, joins noVNC to the socket, says what is going on, comes back by itself.
// The page holds no secret. Each connection asks anew by POST; a refusal comes with its sentence.

import { Keys } from "./keys.js";
import { Paste } from "./paste.js";
import { View } from "./view.js";

const RETRY_AFTER_S = [3, 6, 12, 24, 24, 24, 24, 24];
const LOOK_AGAIN_S = 3;
const LOOK_AGAIN_HIDDEN_S = 20;
const STEADY_AFTER_S = 10;
const BROKEN = { sentence: "The connection to the portal broke.", again: true };

class Console {
  constructor(panel) {
    this.panel = panel;
    this.name = panel.dataset.console;
    this.ends = JSON.parse(panel.dataset.ends);
    this.part = (name) => panel.querySelector(`[data-console-${name}]`);
    this.tries = 0;
    this.rfb = null;
    this.round = 0;
    this.timers = new Set();
    const host = { rfb: () => this.rfb, focus: () => this.rfb?.focus({ preventScroll: true }) };
    this.view = new View(panel, host);
    this.paste = new Paste(panel, host.rfb);
    this.tools = [new Keys(panel, host), this.view];
    panel.addEventListener("click", (event) => this.press(event));
    window.addEventListener("pagehide", () => this.leave());
    window.addEventListener("pageshow", (event) => { if (event.persisted) this.open(); });
    window.addEventListener("online", () => { if (this.waiting) this.open(); });
  }

  // One try: a grant, then the socket. `round` makes an overtaken try fall silent.
  async open() {
    this.leave();
    const round = this.round;
    this.show("info", "Connecting", "Connecting", `Opening the screen of ${this.name}. This takes about two seconds.`);
    const answer = await this.ask();
    if (round !== this.round) return;
    if (answer.grant) await this.connect(answer, round);
    else if (answer.code === "off" || answer.code === "wait") this.lookAgain(answer);
    else if (answer.code === "proof") this.prove(answer);
    else if (answer.refusal) this.ended(answer.refusal);
    else this.lost(BROKEN);
  }

  async ask() {
    const token = this.panel.querySelector("[name=csrfmiddlewaretoken]").value;
    try {
      const response = await fetch(this.panel.dataset.grantUrl, {
        method: "POST", headers: { "X-CSRFToken": token, Accept: "application/json" }, credentials: "same-origin", cache: "no-store",
      });
      return (response.headers.get("Content-Type") || "").includes("json") ? await response.json() : {};
    } catch {
      return {};
    }
  }

  async connect({ grant, url, view_only: viewOnly }, round) {
    let RFB;
    try {
      ({ default: RFB } = await import(this.panel.dataset.novnc));
    } catch {
      this.lost({ sentence: "The console's program could not be loaded.", again: true });
      return;
    }
    if (round !== this.round) return;
    const socket = new WebSocket(new URL(url, location.href.replace(/^http/, "ws")), ["vmportal.v1", `grant.${grant}`]);
    socket.addEventListener("close", (event) => { if (round === this.round) this.closed(event.code); });
    const rfb = new RFB(this.part("screen"), socket, { shared: true });
    rfb.viewOnly = viewOnly;
    this.view.apply(rfb);
    rfb.addEventListener("connect", () => { if (round === this.round) this.connected(rfb); });
    this.rfb = rfb;
  }

  connected(rfb) {
    this.show("ok", rfb.viewOnly ? "Connected, view only" : "Connected");
    this.panel.classList.add("is-open");
    this.enable(true, !rfb.viewOnly);
    this.after(STEADY_AFTER_S, () => { this.tries = 0; });
    const focused = document.activeElement;
    if (!focused || focused === document.body || focused.id === "main" || this.panel.contains(focused)) rfb.focus({ preventScroll: true });
  }

  closed(code) {
    const end = this.ends[code] || BROKEN;
    this.rfb = null;
    if (end.again) this.lost(end);
    else this.ended(end.sentence);
  }

  // Comes back after 3, 6, 12, 24 … seconds; each time a new grant is asked for.
  lost(end) {
    this.leave();
    if (this.tries >= RETRY_AFTER_S.length) {
      this.ended(`${end.sentence} We tried ${this.tries} times. Press Reconnect to try again.`);
      return;
    }
    const seconds = RETRY_AFTER_S[this.tries];
    this.tries += 1;
    this.waiting = true;
    this.show("warn", "Connection lost", "Connection lost", `${end.sentence} We try again by ourselves.`);
    this.countDown(seconds);
  }

  countDown(left) {
    this.part("count").textContent = left > 0 ? `Next try in ${left} s` : "";
    if (left <= 0) this.open();
    else this.after(1, () => this.countDown(left - 1));
  }

  // Off or not there yet: wait, and attach as soon as it runs.
  lookAgain({ refusal, code }) {
    this.leave();
    this.tries = 0;
    const isOff = code === "off";
    this.show("idle", isOff ? "Stopped" : "Waiting", isOff ? `${this.name} is stopped` : `Waiting for ${this.name}`,
      isOff ? "The console opens by itself when it runs." : `${refusal} The console opens by itself.`);
    this.part("start").hidden = !isOff;
    this.after(document.hidden ? LOOK_AGAIN_HIDDEN_S : LOOK_AGAIN_S, async () => {
      const round = this.round;
      const answer = await this.ask();
      if (round !== this.round) return;
      if (answer.grant) { this.cover("Connecting", `Opening the screen of ${this.name}.`); await this.connect(answer, round); }
      else if (answer.code === "off" || answer.code === "wait") this.lookAgain(answer);
      else if (answer.code === "proof") this.prove(answer);
      else if (answer.refusal) this.ended(answer.refusal);
      else this.lookAgain({ refusal: BROKEN.sentence, code: "wait" });
    });
  }

  ended(sentence) {
    this.leave();
    this.show("idle", "Not connected", "The console is closed", sentence);
  }

  // An RTP at somebody else's machine: a link leads to the proof, which comes back to this page.
  prove({ refusal, url }) {
    this.ended(refusal);
    this.cover("Is it you?", refusal);
    this.part("prove").href = url;
    this.part("prove").hidden = false;
  }

  // Ends what is going on: timers, socket, and whatever of them still answers.
  leave() {
    this.round += 1;
    this.waiting = false;
    for (const timer of this.timers) clearTimeout(timer);
    this.timers.clear();
    if (this.rfb) { const rfb = this.rfb; this.rfb = null; rfb.disconnect(); }
    this.panel.classList.remove("is-open");
    this.enable(false, false);
  }

  show(hue, word, title = "", text = "") {
    const state = this.part("state");
    state.className = `state ${hue}`;
    state.textContent = word;
    this.cover(title, text);
  }

  cover(title, text) {
    this.part("title").textContent = title;
    this.part("text").textContent = text;
    this.part("count").textContent = "";
    this.part("start").hidden = true;
    this.part("prove").hidden = true;
  }

  // Every tool hears whether a screen is there and whether keys reach the machine.
  enable(isOpen, canType) {
    for (const tool of this.tools) tool.enable({ isOpen, canType });
    this.paste.enable(canType);
  }

  press(event) {
    const button = event.target.closest("[data-console-do]");
    if (!button) return;
    const what = button.dataset.consoleDo;
    if (what === "again") { this.tries = 0; this.open(); }
  }

  after(seconds, what) {
    const timer = setTimeout(() => { this.timers.delete(timer); what(); }, seconds * 1000);
    this.timers.add(timer);
  }
}

for (const panel of document.querySelectorAll("[data-console]")) new Console(panel).open();
