// The socket of one console: RFB for noVNC, which takes it for its raw channel, and the few words beside the screen
// (consoles/notices.py), which noVNC never sees. It knows how the link is, and gives a dead one up without waiting for TCP.

const TICK_MS = 250;
const PING_MS = 1000;
const OPEN_MS = 10000;
const UNSTABLE_MS = 1500;
const DEAD_MS = 15000;
// A pause between two ticks that a page in front never makes: the machine slept, or the tab was hidden.
const SLEPT_MS = 2500;
const NO_CLOSE = 1006;
// The portal's code for a screen that nobody understands (consoles/close_codes.py).
const NOT_UNDERSTOOD = 4014;

export class Link {
  // `hear`: { notice(name, value), quality(ms, or null for unstable), closed(code) }, each before noVNC hears anything.
  constructor(url, protocols, hear) {
    this.onopen = this.onmessage = this.onclose = this.onerror = null;
    this.binaryType = "arraybuffer";
    this.hear = hear;
    this.isOver = this.isLeft = false;
    this.isUnstable = false;
    this.pings = 0;
    this.asked = new Map();
    this.heardAt = this.tickedAt = this.pingedAt = this.madeAt = performance.now();
    this.socket = new WebSocket(url, protocols);
    this.socket.binaryType = "arraybuffer";
    this.socket.addEventListener("open", (event) => { this.heard(); this.onopen?.(event); });
    this.socket.addEventListener("message", (event) => this.message(event));
    this.socket.addEventListener("close", (event) => this.end(event.code));
    this.timer = setInterval(() => this.tick(), TICK_MS);
  }

  get readyState() {
    return this.isOver ? WebSocket.CLOSED : this.socket.readyState;
  }

  get protocol() {
    return this.socket.protocol;
  }

  send(data) {
    if (this.readyState === WebSocket.OPEN) this.socket.send(data);
  }

  // noVNC waits for the end it asked for; it comes at once. Unless the page left, it gave up on what the screen said.
  close() {
    if (!this.isLeft) this.send("broke");
    this.socket.close();
    setTimeout(() => this.end(this.isLeft ? 1000 : NOT_UNDERSTOOD), 0);
  }

  // The person is there although nothing was typed.
  stay() {
    this.send("stay");
  }

  // The network came back: a link that says nothing belongs to the one before.
  networkCameBack() {
    if (performance.now() - this.heardAt > UNSTABLE_MS) this.end(NO_CLOSE);
  }

  message(event) {
    this.heard();
    if (typeof event.data !== "string") { this.pass(event); return; }
    const [[name, value]] = Object.entries(JSON.parse(event.data));
    if (name === "pong") this.answered(value);
    else this.hear.notice(name, value);
  }

  // noVNC throws where it cannot draw what came; its screen would stand still without a word.
  pass(event) {
    try {
      this.onmessage?.(event);
    } catch (error) {
      console.warn(error);
      this.close();
    }
  }

  heard() {
    this.heardAt = performance.now();
  }

  answered(number) {
    const at = this.asked.get(number);
    this.asked.clear();
    if (at === undefined) return;
    this.isUnstable = false;
    this.hear.quality(Math.max(1, Math.round(this.heardAt - at)));
  }

  tick() {
    if (this.isOver || document.hidden) return;
    const now = performance.now();
    if (now - this.tickedAt > SLEPT_MS) this.heardAt = now;
    this.tickedAt = now;
    if (this.socket.readyState !== WebSocket.OPEN) { if (now - this.madeAt > OPEN_MS) this.end(NO_CLOSE); return; }
    if (now - this.pingedAt >= PING_MS) this.ping(now);
    const silent = now - this.heardAt;
    if (silent > DEAD_MS) this.end(NO_CLOSE);
    else if (silent > UNSTABLE_MS && !this.isUnstable) { this.isUnstable = true; this.hear.quality(null); }
  }

  ping(now) {
    this.pingedAt = now;
    this.pings += 1;
    this.asked.set(this.pings, now);
    this.send(`ping ${this.pings}`);
  }

  end(code) {
    if (this.isOver) return;
    this.isOver = true;
    clearInterval(this.timer);
    this.socket.close();
    this.hear.closed(code);
    this.onclose?.({ code, reason: "" });
  }
}
