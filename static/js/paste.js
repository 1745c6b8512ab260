// Paste text: types it into the machine as key presses. The text stays in this page; it is never sent anywhere else.
import { LAYOUTS, Typist, seconds, strokes } from "./typing.js";

const LONG = 2000;
// The layout last used here, and at each machine.
const LAYOUT_KEY = "vmportal.layout";

export class Paste {
  // `rfb` gives the connected screen, or null.
  constructor(panel, rfb) {
    this.rfb = rfb;
    this.part = (name) => panel.querySelector(`[data-paste-${name}]`);
    this.dialog = this.part("dialog");
    this.typist = null;
    this.openers = panel.querySelectorAll("[data-paste-open]");
    for (const opener of this.openers) opener.addEventListener("click", () => { opener.closest("details")?.removeAttribute("open"); this.open(); });
    this.part("close").addEventListener("click", () => this.dialog.close());
    this.part("stop").addEventListener("click", () => this.stop());
    this.part("text").addEventListener("input", () => this.look());
    this.part("layout").addEventListener("change", () => this.look());
    this.part("form").addEventListener("submit", (event) => { event.preventDefault(); this.type(); });
    // Closing forgets the text: it may have been a password.
    this.dialog.addEventListener("close", () => { this.stop(); this.part("text").value = ""; this.rfb()?.focus({ preventScroll: true }); });
    this.recall();
  }

  enable(isOpen) {
    for (const opener of this.openers) opener.disabled = !isOpen;
    if (!isOpen) this.stop();
  }

  open() {
    this.look();
    this.dialog.showModal();
    this.part("text").focus();
  }

  recall() {
    try {
      const kept = localStorage.getItem(this.key()) ?? localStorage.getItem(LAYOUT_KEY);
      if (kept in LAYOUTS) this.part("layout").value = kept;
    } catch { /* a browser that keeps nothing */ }
  }

  key() {
    return `${LAYOUT_KEY}.${this.dialog.dataset.machine}`;
  }

  keep() {
    try {
      for (const key of [LAYOUT_KEY, this.key()]) localStorage.setItem(key, this.part("layout").value);
    } catch { /* as above */ }
  }

  read() {
    const text = this.part("text").value;
    return { text, ...strokes(text, this.part("layout").value) };
  }

  // What typing will do, before it is done.
  look() {
    const { text, strokes: found, missing } = this.read();
    const layout = LAYOUTS[this.part("layout").value].title;
    const count = [...text].length;
    const what = count ? `This types ${count} character${count === 1 ? "" : "s"} as key presses, ${layout} layout, about ${seconds(found)} s.` : "";
    const words = [];
    if (text.includes("\n")) words.push("It has line breaks: each one runs what stands before it.");
    if (count > LONG) words.push("It is long. Copying a file over the network is quicker.");
    if (missing.length) words.push(`The ${layout} layout has no key for ${missing.slice(0, 20).join(" ")}; they are left out.`);
    this.part("note").replaceChildren(what, ...words.map(warned));
    this.part("go").disabled = !found.length;
  }

  async type() {
    const rfb = this.rfb();
    const { strokes: found } = this.read();
    if (!rfb || !found.length || this.typist) return;
    this.keep();
    const typist = new Typist((keysym, code, down) => this.rfb()?.sendKey(keysym, code, down), (typed, all) => this.tell(typed, all));
    this.typist = typist;
    this.busy(true);
    const typed = await typist.type(found);
    this.typist = null;
    this.busy(false);
    this.part("note").textContent = typist.isStopped ? `Stopped after ${typed} of ${found.length} keys.` : `Typed ${typed} keys.`;
    if (!typist.isStopped) this.dialog.close();
  }

  tell(typed, all) {
    this.part("progress").value = typed / all;
  }

  stop() {
    this.typist?.stop();
  }

  busy(isTyping) {
    this.part("progress").hidden = !isTyping;
    this.part("progress").value = 0;
    this.part("stop").hidden = !isTyping;
    this.part("go").disabled = isTyping;
    this.part("text").readOnly = isTyping;
  }
}

// A line of its own, which the eye finds.
function warned(text) {
  const line = document.createElement("strong");
  line.className = "d-block mt-1";
  line.textContent = text;
  return line;
}
