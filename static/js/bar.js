// The bar above the screen as a toolbar: one stop of the Tab key, arrows inside, and the ways between it and the screen.

const ITEMS = "button, summary, a[href]";
const STEPS = { ArrowRight: 1, ArrowLeft: -1, Home: -Infinity, End: Infinity };
const IN_MENU = { ArrowDown: 1, ArrowUp: -1, Home: -Infinity, End: Infinity };
const CHORD = ["Control", "Alt", "Shift"];

export class Bar {
  // `host` as for Keys.
  constructor(panel, host) {
    this.panel = panel;
    this.host = host;
    this.bar = panel.querySelector("[role=toolbar]");
    this.screen = panel.querySelector("[data-console-screen]");
    this.isOpen = false;
    // Capture: noVNC takes every key that reaches its canvas.
    document.addEventListener("keydown", (event) => this.wayOut(event), true);
    this.bar.addEventListener("keydown", (event) => this.step(event));
    this.bar.addEventListener("focusin", (event) => this.rove(event.target));
    // noVNC keeps clicks on its canvas from the page, which would close menus.
    this.screen.addEventListener("pointerdown", () => this.closeMenus(), true);
    new MutationObserver(() => this.rove()).observe(this.bar, { subtree: true, childList: true, attributes: true, attributeFilter: ["disabled", "hidden"] });
    this.rove();
  }

  enable({ isOpen }) {
    this.isOpen = isOpen;
    this.rove();
  }

  items() {
    return [...this.bar.querySelectorAll(ITEMS)].filter((item) => !item.disabled && !item.closest(".menu-in") && item.offsetParent);
  }

  // One item is in the way of the Tab key: the one last used.
  rove(used) {
    const items = this.items();
    if (items.includes(used)) this.used = used;
    const current = this.current = items.includes(this.used) ? this.used : items[0];
    for (const item of items) if (item.tabIndex !== (item === current ? 0 : -1)) item.tabIndex = item === current ? 0 : -1;
  }

  step(event) {
    if (event.target.matches("input, select, textarea") || event.ctrlKey || event.altKey || event.metaKey) return;
    const menu = event.target.closest(".menu-in");
    const opened = event.target.closest("details[open]");
    if (menu || (opened && event.key in IN_MENU)) this.move(event, [...opened.querySelectorAll(`.menu-in :is(${ITEMS})`)].filter((item) => !item.disabled && item.offsetParent), IN_MENU);
    else this.move(event, this.items(), STEPS);
  }

  move(event, items, steps) {
    const by = steps[event.key];
    if (!by || !items.length) return;
    event.preventDefault();
    const at = items.indexOf(event.target);
    const last = items.length - 1;
    const next = Number.isFinite(by) ? (at + by + items.length) % items.length : by < 0 ? 0 : last;
    items[at < 0 && by < 0 ? last : next].focus();
  }

  // The chord leads from the screen to the bar; F6 leads from screen to bar to page and back.
  wayOut(event) {
    const isChord = event.ctrlKey && event.altKey && event.shiftKey && CHORD.includes(event.key);
    const isF6 = event.key === "F6" && !event.ctrlKey && !event.altKey && !event.metaKey && !event.shiftKey;
    if (document.querySelector("dialog[open]") || !(isF6 || (isChord && this.screen.contains(event.target)))) return;
    event.preventDefault();
    event.stopPropagation();
    if (this.screen.contains(event.target)) this.toBar();
    else if (this.bar.contains(event.target)) this.toPage();
    else if (this.isOpen) this.host.focus();
    else this.toBar();
  }

  toBar() {
    this.rove();
    this.current?.focus();
  }

  toPage() {
    this.closeMenus();
    document.getElementById("main")?.focus();
  }

  closeMenus() {
    for (const menu of this.bar.querySelectorAll("details[open]")) menu.open = false;
  }
}
