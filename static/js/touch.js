// The keyboard of a phone or tablet. It gives no keys but text, also text that it corrects: what changed in a hidden field
// is typed into the machine, by the layout chosen for pasting. Beside it stands a strip of the keys it lacks.
import { Typist, strokes } from "./typing.js";
import { KEYSYMS } from "./keys.js";

// Stands before what is typed, so that a Backspace has something to take away.
const FIRST = "_".repeat(100);
const LONGEST = 400;
const HINT = "Tap to click, hold for the right button. Two fingers zoom and move the picture.";

// At once: of two smooth ways only the last one would be gone.
function go(part, block) {
  part.scrollIntoView({ block, behavior: "instant" });
}

export class Touch {
  // `host` as for Keys; `keys` holds the modifiers that wait.
  constructor(panel, host, keys) {
    this.panel = panel;
    this.host = host;
    this.keys = keys;
    this.strip = panel.querySelector("[data-strip]");
    this.button = this.strip.querySelector("[data-strip-keyboard]");
    this.field = this.strip.querySelector("[data-strip-text]");
    this.layout = panel.querySelector("[data-paste-layout]");
    this.queue = Promise.resolve();
    this.canType = false;
    this.hasFingers = matchMedia("(any-pointer: coarse)").matches;
    this.isPhone = matchMedia("(pointer: coarse)").matches;
    this.stage = panel.querySelector("[data-console-stage]");
    if (this.isPhone) panel.querySelector("[data-console-hint]").textContent = HINT;
    // Turned round, or with more in the bar: the screen is in its place again.
    const room = new ResizeObserver(() => this.centre());
    for (const part of [this.stage, panel.querySelector("[role=toolbar]")]) room.observe(part);
    // The field keeps the focus while the strip is pressed: else the phone's keyboard would go.
    this.strip.addEventListener("pointerdown", (event) => { if (event.target.closest("button")) event.preventDefault(); });
    this.button.addEventListener("click", () => this.toggle());
    this.field.addEventListener("focus", () => this.show());
    this.field.addEventListener("blur", () => { this.show(); this.keys.lift(); });
    this.field.addEventListener("input", () => this.changed());
    this.field.addEventListener("keydown", (event) => this.special(event));
    this.forget();
  }

  enable({ isOpen, canType }) {
    this.isOpen = isOpen;
    this.canType = canType;
    // Who only looks needs no keys.
    const isShown = this.hasFingers && (canType || !isOpen);
    this.strip.classList.toggle("d-flex", isShown);
    this.strip.classList.toggle("d-none", !isShown);
    this.centre();
    this.button.disabled = !canType;
    if (!canType) this.typist?.stop();
  }

  // Upright there is room for the bar, the screen and the strip; across for the screen only.
  centre() {
    if (!this.isOpen || !this.isPhone) return;
    if (innerWidth > innerHeight) { go(this.stage, "center"); return; }
    go(this.panel, "start");
    go(this.strip, "nearest");
  }

  toggle() {
    if (document.activeElement === this.field) this.field.blur();
    else this.field.focus({ preventScroll: true });
  }

  show() {
    this.button.setAttribute("aria-pressed", String(document.activeElement === this.field));
  }

  forget() {
    this.field.value = this.seen = FIRST;
    this.field.setSelectionRange(FIRST.length, FIRST.length);
  }

  // Keys that make no text; a real keyboard beside the tablet has them all.
  special(event) {
    if (event.isComposing || !(event.code in KEYSYMS || event.key in KEYSYMS) || /^(Control|Alt|Shift|Meta|Backspace|Enter)/.test(event.key)) return;
    event.preventDefault();
    this.keys.tap([event.code in KEYSYMS ? event.code : event.key]);
  }

  // The rest is typed anew from where the field differs, which is how a correction is followed.
  changed() {
    const now = this.field.value;
    let same = 0;
    while (same < now.length && now[same] === this.seen[same]) same += 1;
    const gone = [...this.seen.slice(same)].length;
    const { strokes: found } = strokes(now.slice(same), this.layout.value);
    this.seen = now;
    this.type([...Array(gone).fill({ keysym: KEYSYMS.Backspace, code: "Backspace" }), ...found]);
    if (!now.length || now.length > LONGEST) this.forget();
  }

  // One after the other, at the pace a guest takes.
  type(found) {
    if (!this.canType || !found.length) return;
    this.queue = this.queue.then(async () => {
      this.typist = new Typist((keysym, code, down) => this.host.rfb()?.sendKey(keysym, code, down), () => {});
      this.keys.before();
      await this.typist.type(found);
      this.keys.after();
    });
  }
}
