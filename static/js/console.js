// The console: asks for a grant, joins noVNC to the socket, says what is going on, comes back by itself.
// The page holds no secret. Each connection asks anew by POST; a refusal comes with its sentence.

import { Bar } from "./bar.js";
import { Clipboard } from "./clipboard.js";
import { Cover } from "./cover.js";
import { Keys } from "./keys.js";
import { Link } from "./link.js";
import { Paste } from "./paste.js";
import { People } from "./people.js";
import { Power } from "./power.js";
import { Touch } from "./touch.js";
import { View } from "./view.js";
import { Warning } from "./warning.js";

const RETRY_AFTER_S = [3, 6, 12, 24, 24, 24, 24, 24];
const LOOK_AGAIN_S = 3;
const PROBE_S = 2;
const STEADY_AFTER_S = 10;
const ASK_S = 10;
const START_S = 30;
const BROKEN = { word: "broken", sentence: "The connection to the portal broke.", again: true };
const OFFLINE = { ...BROKEN, sentence: "This device has no network." };
const STALE = { refusal: "This page is older than your sign-in. Load it again.", code: "stale" };

class Console {
  constructor(panel) {
    this.panel = panel;
    this.name = panel.dataset.console;
    this.ends = JSON.parse(panel.dataset.ends);
    this.title = document.title;
    this.tries = 0;
    this.rfb = null;
    this.round = 0;
    this.startingUntil = 0;
    this.timers = new Set();
    const host = { rfb: () => this.rfb, hasClipboard: () => this.hasClipboard, focus: () => this.rfb?.focus({ preventScroll: true }) };
    this.cover = new Cover(panel, (url) => this.closeOne(url));
    this.people = new People(panel);
    this.warning = new Warning(panel, () => this.link?.stay());
    this.power = new Power(panel, { wait: () => this.starting(), focus: host.focus });
    this.paste = new Paste(panel, host.rfb);
    const keys = new Keys(panel, host);
    this.tools = [keys, new Bar(panel, host), new Touch(panel, host, keys), new Clipboard(panel, host), new View(panel, host)];
    panel.addEventListener("click", (event) => this.press(event));
    window.addEventListener("pagehide", () => this.leave());
    window.addEventListener("pageshow", (event) => { if (event.persisted) this.again(); });
    window.addEventListener("online", () => { if (this.waiting) this.again(); else this.link?.networkCameBack(); });
    // A hidden page keeps its console and asks for none: many of them would all come at once.
    document.addEventListener("visibilitychange", () => { if (!document.hidden && this.waiting) this.again(); });
  }

  // One try: a grant, then the socket. `round` makes an overtaken try fall silent.
  async open() {
    this.leave();
    this.show("info", "Connecting", "Connecting", `Opening the screen of ${this.name}. This takes about two seconds.`);
    const round = this.round;
    const answer = await this.ask();
    if (round === this.round) await this.take(answer);
  }

  again() {
    this.tries = 0;
    this.open();
  }

  async take(answer) {
    if (answer.grant) await this.connect(answer, this.round);
    else if (answer.code === "off" || answer.code === "wait") this.lookAgain(answer);
    else if (answer.code === "many") this.stop("Too many consoles", answer.refusal).list(answer.open);
    else if (answer.code === "proof") this.stop("Is it you?", answer.refusal).link(answer.url, "Show who you are");
    else if (answer.code === "stale") this.stop("The console is closed", answer.refusal).link(location.href, "Load it again");
    else if (answer.refusal) this.stop("The console is closed", answer.refusal).offer(answer.code === "signed_out" ? "sign_in" : "again");
    else this.lost(navigator.onLine ? BROKEN : OFFLINE);
  }

  async ask() {
    const answer = await this.post(this.panel.dataset.grantUrl, "watch" in this.panel.dataset ? { watch: "1" } : {});
    this.isDown = !answer;
    return answer || {};
  }

  // What the portal says to a POST; null where nothing that is ours answers.
  async post(url, words = {}) {
    const token = this.panel.querySelector("[name=csrfmiddlewaretoken]").value;
    const stop = new AbortController();
    const timer = setTimeout(() => stop.abort(), ASK_S * 1000);
    try {
      const response = await fetch(url, {
        method: "POST", headers: { "X-CSRFToken": token, Accept: "application/json" }, body: new URLSearchParams(words),
        credentials: "same-origin", cache: "no-store", signal: stop.signal,
      });
      if ((response.headers.get("Content-Type") || "").includes("json")) return await response.json();
      return response.status === 403 ? STALE : null;
    } catch {
      return null;
    } finally {
      clearTimeout(timer);
    }
  }

  async connect({ grant, url, view_only: viewOnly, node, has_clipboard: hasClipboard }, round) {
    if (this.node && node !== this.node) this.cover.say("Connecting", `${this.name} moved to ${node}. Opening its screen there.`);
    this.node = node;
    this.hasClipboard = hasClipboard;
    let RFB;
    try {
      ({ default: RFB } = await import(this.panel.dataset.novnc));
    } catch {
      this.lost({ ...BROKEN, sentence: "The console's program could not be loaded." });
      return;
    }
    if (round !== this.round) return;
    const mine = (what) => (...told) => { if (round === this.round) what(...told); };
    this.told = this.movesTo = null;
    this.link = new Link(new URL(url, location.href.replace(/^http/, "ws")), ["vmportal.v1", `grant.${grant}`], {
      notice: mine((name, value) => this.notice(name, value)), quality: mine((ms) => this.quality(ms)), closed: mine((code) => this.closed(code)),
    });
    this.rfb = new RFB(this.part("screen"), this.link, { shared: true });
    this.rfb.viewOnly = viewOnly;
    for (const tool of this.tools) tool.apply?.(this.rfb);
    this.rfb.addEventListener("connect", mine(() => this.connected()));
  }

  connected() {
    this.word = this.rfb.viewOnly ? "Connected, view only" : "Connected";
    this.show("ok", this.word);
    this.cover.giveWay();
    this.isOpen = true;
    this.panel.classList.add("is-open");
    this.enable(true, !this.rfb.viewOnly);
    this.after(STEADY_AFTER_S, () => { this.tries = 0; });
    const focused = document.activeElement;
    if (focused && focused !== document.body && focused.id !== "main" && !this.panel.contains(focused)) return;
    this.rfb.focus({ preventScroll: true });
    // A guest's prompt is often on its last line.
    this.part("stage").scrollIntoView({ block: "nearest" });
  }

  notice(name, value) {
    if (name === "people") this.people.show(value);
    else if (name === "warn") this.warning.show(value);
    else if (name === "ended") this.told = value;
    else if (name === "moving") this.movesTo = value;
  }

  // The round trip in ms; null while nothing comes.
  quality(ms) {
    if (!this.isOpen) return;
    this.mark(ms === null ? "warn" : "ok", ms === null ? "Unstable" : this.word, ms === null ? "" : `· ${ms} ms`);
  }

  closed(code) {
    const end = this.ends[code] || (navigator.onLine ? BROKEN : OFFLINE);
    this.cover.keep();
    if (end.again) this.lost(end);
    // Somebody else took the last seat; the next answer has the list.
    else if (end.step === "many" && this.tries < RETRY_AFTER_S.length) { this.tries += 1; this.open(); }
    else this.stop(this.cover.titleOf(end), this.sentenceOf(end)).offer(end.step);
  }

  sentenceOf(end) {
    if (end.word === "moving" && this.movesTo) return `The VM is moving to ${this.movesTo}.`;
    if (end.word !== "by_rtp" || !this.told) return end.sentence;
    const at = new Date().toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit" });
    return `${this.told.by} (RTP) ended this console at ${at}${this.told.reason ? `: ${this.told.reason}` : "."}`;
  }

  // Comes back after 3, 6, 12, 24 … seconds; each time a new grant is asked for.
  lost(end) {
    this.leave();
    this.waiting = true;
    const title = this.cover.titleOf(end), sentence = this.sentenceOf(end);
    if (this.tries >= RETRY_AFTER_S.length) {
      this.show("idle", "Not connected", title, `${sentence} We tried ${this.tries} times.`);
      this.cover.offer("again", "Reconnect now");
      return;
    }
    const seconds = RETRY_AFTER_S[this.tries++];
    this.show("warn", title, title, `${sentence} We try again by ourselves.`);
    this.cover.offer("again", "Reconnect now");
    this.countDown(seconds);
  }

  countDown(left) {
    this.cover.count(left > 0 ? `Next try in ${left} s` : "");
    if (document.hidden) return;
    if (left <= 0) { this.open(); return; }
    if (this.isDown && left % PROBE_S === 0) this.probe();
    this.after(1, () => this.countDown(left - 1));
  }

  // The portal did not answer: as soon as it does there is nothing to wait for.
  async probe() {
    const round = this.round;
    try {
      const response = await fetch(this.panel.dataset.health, { cache: "no-store" });
      const isBack = (response.headers.get("Content-Type") || "").includes("json");
      if (isBack && round === this.round) this.open();
    } catch { /* not yet */ }
  }

  // Off or not there yet: wait, and attach as soon as it runs.
  lookAgain({ refusal, code }) {
    this.leave();
    this.tries = 0;
    this.waiting = true;
    const isStarting = Date.now() < this.startingUntil;
    const isOff = code === "off" && !isStarting;
    const title = isOff ? `${this.name} is stopped` : isStarting ? `Starting ${this.name}` : `Waiting for ${this.name}`;
    const text = code === "off" ? "The console opens by itself when it runs." : `${refusal} The console opens by itself.`;
    if (this.part("title").textContent !== title || this.part("text").textContent !== text) this.show("idle", isOff ? "Stopped" : "Waiting", title, text);
    this.cover.offerStart(isOff);
    this.after(LOOK_AGAIN_S, async () => {
      if (document.hidden) return;
      const round = this.round;
      const answer = await this.ask();
      if (round !== this.round) return;
      if (answer.grant) this.show("info", "Connecting", "Connecting", `Opening the screen of ${this.name}.`);
      if (answer.grant) this.startingUntil = 0;
      this.waiting = !answer.grant;
      await this.take(answer);
    });
  }

  starting() {
    if (this.waiting) {
      this.startingUntil = Date.now() + START_S * 1000;
      this.lookAgain({ code: "off" });
    }
    return this.waiting;
  }

  async closeOne(url) {
    const round = this.round;
    await this.post(url);
    if (round === this.round) this.again();
  }

  // Closed, and not to come back by itself; the cover, to offer a next step.
  stop(title, text) {
    this.leave();
    this.cover.drop();
    this.show("idle", "Not connected", title, text);
    return this.cover;
  }

  // Ends what is going on: timers, socket, and whatever of them still answers.
  leave() {
    this.cover.heed();
    this.round += 1;
    this.waiting = this.isOpen = false;
    for (const timer of this.timers) clearTimeout(timer);
    this.timers.clear();
    this.people.clear();
    this.warning.show(null);
    this.enable(false, false);
    if (this.rfb) { const rfb = this.rfb; this.rfb = null; this.link.isLeft = true; rfb.disconnect(); }
    this.link = null;
    this.panel.classList.remove("is-open");
  }

  show(hue, word, title = "", text = "") {
    this.mark(hue, word);
    this.cover.say(title, text);
    document.title = hue === "ok" || hue === "info" ? this.title : `${word} · ${this.title}`;
  }

  mark(hue, word, ms = "") {
    this.part("mark").className = `state ${hue} num`;
    this.part("state").textContent = word;
    this.part("ms").textContent = ms;
    this.part("ms").hidden = !ms;
  }

  part(name) {
    return this.panel.querySelector(`[data-console-${name}]`);
  }

  // Every tool hears whether a screen is there and whether keys reach the machine.
  enable(isOpen, canType) {
    for (const tool of this.tools) tool.enable({ isOpen, canType });
    this.paste.enable(canType);
    for (const button of this.panel.querySelectorAll("[data-console-do=leave]")) button.disabled = !isOpen;
  }

  press(event) {
    const what = event.target.closest("[data-console-do]")?.dataset.consoleDo;
    if (what) event.target.closest("details")?.removeAttribute("open");
    if (what === "again") this.again();
    else if (what === "leave") this.stop("The console is closed", this.ends[1000].sentence).offer("again");
  }

  after(seconds, what) {
    const timer = setTimeout(() => { this.timers.delete(timer); what(); }, seconds * 1000);
    this.timers.add(timer);
  }
}

for (const panel of document.querySelectorAll("[data-console]")) new Console(panel).open();
