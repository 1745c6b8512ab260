// How the screen stands in the page: fitted, point for point, or filling it; zoom, full screen, own window, picture.
import { Fingers } from "./fingers.js";

const VIEW_KEY = "vmportal.view";
const MODES = ["fit", "real", "fill"];
const MOST = 8;
const WINDOW = "popup,width=1100,height=820";
const LOCKED = "Full screen. Hold Esc to leave it. All other keys, Alt+Tab and Win too, go to the VM; Ctrl+Alt+Shift or F6 leads to the bar.";
const UNLOCKED = "Full screen. Esc leaves it; the Esc for the VM is under Keys. Ctrl+Alt+Shift or F6 leads to the bar.";
const LOOKING = "You only look: keys and clicks do not go to the VM.";

export class View {
  // `host` as for Keys. `apply` is called with each new screen.
  constructor(panel, host) {
    this.panel = panel;
    this.host = host;
    this.pane = panel.querySelector("[data-console-pane]");
    this.inner = panel.querySelector("[data-console-screen]");
    this.hint = panel.querySelector("[data-console-hint]");
    this.full = panel.querySelectorAll("[data-view=full]");
    this.usual = this.hint.textContent;
    this.zoom = 1;
    this.isLooking = false;
    this.mode = recall();
    panel.addEventListener("click", (event) => this.press(event));
    document.addEventListener("fullscreenchange", () => this.wentFull());
    new ResizeObserver(() => this.lay()).observe(panel.querySelector("[data-console-stage]"));
    this.fingers = new Fingers(this.pane, this);
    for (const button of this.full) button.hidden = !panel.requestFullscreen;
    this.show();
  }

  enable({ isOpen, canType }) {
    this.panel.querySelector("[data-view=shot]").disabled = !isOpen;
    const isLooking = isOpen && !canType;
    if (isLooking === this.isLooking) return;
    this.isLooking = isLooking;
    this.wentFull();
  }

  apply(rfb) {
    rfb.scaleViewport = true;
    rfb.background = "#0c0c10";
    this.canvas = [...this.inner.querySelectorAll("canvas")].at(-1);
    new MutationObserver(() => this.lay()).observe(this.canvas, { attributes: true, attributeFilter: ["width", "height"] });
    this.lay();
  }

  press(event) {
    const what = event.target.closest("[data-view]")?.dataset.view;
    if (MODES.includes(what)) this.choose(what);
    else if (what === "full") this.toggleFull();
    else if (what === "shot") this.shoot();
    else if (what === "window") this.openWindow(event);
    else return;
    event.target.closest("details")?.removeAttribute("open");
  }

  choose(mode) {
    this.mode = mode;
    this.zoom = 1;
    try { localStorage.setItem(VIEW_KEY, mode); } catch { /* a browser that keeps nothing */ }
    this.show();
    this.lay();
    this.host.focus();
  }

  show() {
    for (const mode of MODES) this.panel.querySelector(`[data-view=${mode}]`).setAttribute("aria-pressed", String(mode === this.mode));
  }

  // Whether there is more of the picture than the pane shows.
  get isLarger() {
    return this.pane.scrollWidth > this.pane.clientWidth || this.pane.scrollHeight > this.pane.clientHeight;
  }

  // noVNC fits the picture into the element it is in; that element is made as large as the picture is to be.
  lay() {
    this.size(this.pane.offsetWidth, this.pane.offsetHeight);
    // Scroll bars take room that a filling picture has to leave.
    if (this.mode === "fill" && this.isLarger) this.size(this.pane.clientWidth, this.pane.clientHeight);
  }

  size(width, height) {
    const wide = this.canvas?.width || width, high = this.canvas?.height || height;
    const scale = Math.max(width / wide, height / high);
    const [w, h] = { fit: [width, height], real: [wide, high], fill: [wide * scale, high * scale] }[this.mode];
    const isWhole = this.mode === "fit" && this.zoom === 1;
    this.inner.style.width = isWhole ? "100%" : `${Math.round(w * this.zoom)}px`;
    this.inner.style.height = isWhole ? "100%" : `${Math.round(h * this.zoom)}px`;
  }

  // Larger or smaller around a point of the window, which stays where it is.
  zoomTo(zoom, { x, y }) {
    const before = this.inner.getBoundingClientRect();
    this.zoom = Math.min(MOST, Math.max(this.mode === "fit" ? 1 : 0.25, zoom));
    this.lay();
    const after = this.inner.getBoundingClientRect();
    this.panBy(after.left + ((x - before.left) / before.width) * after.width - x, after.top + ((y - before.top) / before.height) * after.height - y);
  }

  panBy(x, y) {
    this.pane.scrollBy({ left: x, top: y, behavior: "instant" });
  }

  async toggleFull() {
    if (document.fullscreenElement) { await document.exitFullscreen(); return; }
    try {
      await this.panel.requestFullscreen();
      this.host.focus();
    } catch { /* the browser does not allow it */ }
  }

  async wentFull() {
    const isFull = document.fullscreenElement === this.panel;
    for (const button of this.full) button.textContent = isFull ? "Leave full screen" : "Full screen";
    let isLocked = false;
    try { isLocked = isFull && !this.isLooking && !!navigator.keyboard?.lock && (await navigator.keyboard.lock(), true); } catch { /* then Esc stays the browser's */ }
    if (isFull !== (document.fullscreenElement === this.panel)) return; // the browser's answer came after it was left
    if (!isLocked) navigator.keyboard?.unlock?.();
    this.hint.textContent = this.isLooking ? LOOKING : !isFull ? this.usual : isLocked ? LOCKED : UNLOCKED;
  }

  // A person has one console of a machine: this one ends when the new window's begins.
  openWindow(event) {
    const link = event.target.closest("a");
    if (window.open(link.href, link.target, WINDOW)) event.preventDefault();
  }

  shoot() {
    const at = new Date(Date.now() - new Date().getTimezoneOffset() * 60000).toISOString().slice(0, 19).replace("T", "-").replaceAll(":", "");
    this.host.rfb()?.toBlob((picture) => {
      const link = document.createElement("a");
      link.href = URL.createObjectURL(picture);
      link.download = `${this.panel.dataset.console}-${at}.png`;
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 10000);
    }, "image/png");
    this.host.focus();
  }
}

function recall() {
  try {
    const kept = localStorage.getItem(VIEW_KEY);
    return MODES.includes(kept) ? kept : "fit";
  } catch {
    return "fit";
  }
}
