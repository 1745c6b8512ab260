// Keys that a browser or a phone would keep for itself, and modifiers that wait for the next key or stay down.
// Whatever goes down here comes up again: when the focus leaves the screen, when the window does, when the page ends.

const F_KEYS = Object.fromEntries([...Array(12)].map((_, n) => [`F${n + 1}`, 0xffbe + n]));
export const KEYSYMS = {
  ControlLeft: 0xffe3, AltLeft: 0xffe9, ShiftLeft: 0xffe1, MetaLeft: 0xffeb,
  Escape: 0xff1b, Tab: 0xff09, ContextMenu: 0xff67, Delete: 0xffff, Backspace: 0xff08, Enter: 0xff0d,
  ArrowLeft: 0xff51, ArrowUp: 0xff52, ArrowRight: 0xff53, ArrowDown: 0xff54,
  Home: 0xff50, End: 0xff57, PageUp: 0xff55, PageDown: 0xff56, Insert: 0xff63, ...F_KEYS,
};
const MODIFIER = /^(Control|Shift|Alt|Meta|OS|CapsLock)/;
const NEXT = { undefined: "once", once: "held" };
const CTRL_ALT_DEL = "ControlLeft+AltLeft+Delete";

export class Keys {
  // `host`: { rfb(): the connected screen or null, focus(): gives it the keyboard }.
  constructor(panel, host) {
    this.host = host;
    this.screen = panel.querySelector("[data-console-screen]");
    this.keys = panel.querySelectorAll("[data-key]");
    this.holds = panel.querySelectorAll("[data-hold]");
    this.modes = new Map();   // modifier to "once" (with the next key) or "held" (until pressed again)
    this.sent = new Set();    // modifiers that are down in the machine by our doing
    this.pressed = new Set(); // keys of the keyboard that went down on the screen and are not up yet
    panel.addEventListener("click", (event) => this.click(event));
    // Capture: noVNC lets no key that reaches its canvas go further.
    this.screen.addEventListener("keydown", (event) => this.goesDown(event), true);
    this.screen.addEventListener("keyup", (event) => this.comesUp(event), true);
    this.screen.addEventListener("focusout", () => this.letKeysUp());
    panel.addEventListener("submit", () => this.lift(), true);
    window.addEventListener("blur", () => this.lift());
    window.addEventListener("pagehide", () => this.lift());
  }

  // `canType`: connected, and keys reach the machine.
  enable({ canType }) {
    for (const button of [...this.keys, ...this.holds]) button.disabled = !canType;
    if (!canType) this.lift();
  }

  click(event) {
    const button = event.target.closest("[data-key], [data-hold]");
    if (!button) return;
    if (button.dataset.hold) this.hold(button.dataset.hold);
    else this.tap((button.dataset.key === "ctrl-alt-del" ? CTRL_ALT_DEL : button.dataset.key).split("+"));
    const menu = button.closest("details");
    if (menu && button.dataset.key) menu.open = false;
    if (!button.closest("[data-strip]")) this.host.focus();
  }

  // Off, with the next key, held down, off.
  hold(code) {
    const mode = NEXT[this.modes.get(code)];
    if (mode) this.modes.set(code, mode);
    else this.modes.delete(code);
    if (mode === "held") this.send(code, true);
    else if (!mode) this.send(code, false);
    this.show();
  }

  // Presses keys together and lets them go in reverse; waiting modifiers go with them.
  tap(codes) {
    this.before();
    for (const code of codes) this.host.rfb()?.sendKey(KEYSYMS[code], code, true);
    for (const code of [...codes].reverse()) this.host.rfb()?.sendKey(KEYSYMS[code], code, false);
    this.after();
  }

  before() {
    for (const code of this.modes.keys()) if (!this.sent.has(code)) this.send(code, true);
  }

  after() {
    for (const [code, mode] of [...this.modes]) if (mode === "once") { this.send(code, false); this.modes.delete(code); }
    this.show();
  }

  send(code, isDown) {
    if (this.sent.has(code) === isDown) return;
    this.host.rfb()?.sendKey(KEYSYMS[code], code, isDown);
    if (isDown) this.sent.add(code);
    else this.sent.delete(code);
  }

  // Nothing waits and nothing is down any more.
  lift() {
    for (const code of [...this.sent]) this.send(code, false);
    this.modes.clear();
    this.show();
  }

  goesDown(event) {
    const isNew = !this.pressed.has(event.code);
    this.pressed.add(event.code);
    if (MODIFIER.test(event.code)) return;
    if (isNew) this.used();
    this.before();
  }

  comesUp(event) {
    if (this.pressed.delete(event.code) && !MODIFIER.test(event.code)) this.used();
  }

  // The key that modifiers waited for was there: a second one, pressed before the first is up, does not get them.
  used() {
    if (this.sent.size) this.after();
  }

  // noVNC lets keys up when the window loses the keyboard, but not when only its canvas does.
  letKeysUp() {
    const canvas = this.screen.querySelector("canvas");
    for (const code of [...this.pressed]) canvas?.dispatchEvent(new KeyboardEvent("keyup", { code }));
    this.pressed.clear();
  }

  show() {
    for (const button of this.holds) {
      const mode = this.modes.get(button.dataset.hold);
      button.setAttribute("aria-pressed", String(!!mode));
      button.title = mode === "once" ? "Goes with the next key" : mode === "held" ? "Held down until you press it again" : "";
      button.textContent = `${button.dataset.word}${mode === "held" ? " ↓" : ""}`;
    }
  }
}
