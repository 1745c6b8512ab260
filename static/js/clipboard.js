// The clipboard, by a click each way. What the VM copied stays here, unseen, until somebody asks to see it or to have it;
// what the person's clipboard holds is read when they press the button for it, and sent when they press the next.

const LONGEST = 1024 * 1024;

export class Clipboard {
  // `host` as for Keys.
  constructor(panel, host) {
    this.host = host;
    this.part = (name) => panel.querySelector(`[data-clip-${name}]`);
    this.text = "";
    this.openers = panel.querySelectorAll("[data-clip-open]");
    this.paste = panel.querySelector("[data-paste-open]");
    for (const opener of this.openers) opener.addEventListener("click", () => { opener.closest("details").open = false; this.open(); });
    panel.addEventListener("click", (event) => this.press(event));
    this.part("to").addEventListener("input", () => this.look());
    this.part("form").addEventListener("submit", (event) => { event.preventDefault(); this.give(); });
    this.part("dialog").addEventListener("close", () => { this.part("to").value = ""; this.host.focus(); });
    this.part("dialog").querySelector("[data-clip-do=fetch]").hidden = !navigator.clipboard?.readText;
  }

  enable({ canType }) {
    for (const opener of this.openers) opener.disabled = !canType;
    if (!canType) this.forget();
  }

  // However often a VM copies, one line says so; nothing goes anywhere. QEMU says that it knows clipboards whether or not
  // the display has one: what counts is what is set, or that the VM did copy.
  apply(rfb) {
    this.offer(this.host.hasClipboard());
    rfb.addEventListener("clipboard", ({ detail }) => {
      if (rfb !== this.host.rfb() || !detail.text) return;
      this.text = detail.text.slice(0, LONGEST);
      this.offer(true);
      this.part("notice").hidden = false;
    });
  }

  press(event) {
    const what = event.target.closest("[data-clip-do]")?.dataset.clipDo;
    if (what === "show") this.open(true);
    else if (what === "copy") this.copy();
    else if (what === "dismiss") this.dismiss();
    else if (what === "fetch") this.fetch();
    else if (what === "close") this.part("dialog").close();
    else if (what === "paste") { this.part("dialog").close(); this.paste.click(); }
  }

  // Either the clipboard, or why there is none.
  offer(isThere) {
    this.part("some").hidden = !isThere;
    this.part("none").hidden = isThere;
  }

  open(isShown = false) {
    this.part("shown").hidden = !isShown;
    this.part("from").value = isShown ? this.text : "";
    this.look();
    this.part("dialog").showModal();
    this.part(this.part("some").hidden ? "instead" : isShown ? "from" : "to").focus();
  }

  async copy() {
    try {
      await navigator.clipboard.writeText(this.text);
      this.dismiss("Copied to your clipboard.");
    } catch {
      if (!this.part("dialog").open) this.open(true);
      this.part("note").textContent = "Your browser does not let us copy. Select the text and copy it yourself.";
    }
  }

  dismiss(sentence = "") {
    this.forget();
    this.part("note").textContent = sentence;
    if (!this.part("dialog").open) { document.getElementById("said").textContent = sentence; this.host.focus(); }
  }

  forget() {
    this.text = "";
    this.part("notice").hidden = true;
    this.part("shown").hidden = true;
    this.part("from").value = "";
  }

  async fetch() {
    try {
      this.part("to").value = await navigator.clipboard.readText();
      this.look();
    } catch {
      this.part("note").textContent = "Your browser does not let us read it. Paste it into the field yourself.";
    }
  }

  look() {
    const text = this.part("to").value;
    this.part("give").disabled = !text;
    this.part("note").textContent = text ? `${[...text].length} characters.` : "";
  }

  give() {
    this.host.rfb()?.clipboardPasteFrom(this.part("to").value);
    this.part("dialog").close();
  }
}
