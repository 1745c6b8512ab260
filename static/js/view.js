// How the screen stands in the page: fitted, or point for point; full screen.

export class View {
  // `host` as for Keys. `apply` is called with each new screen.
  constructor(panel, host) {
    this.host = host;
    this.fit = true;
    this.button = panel.querySelector("[data-view=fit]");
    this.button.addEventListener("click", () => this.toggle());
    const stage = panel.querySelector("[data-console-stage]");
    panel.querySelector("[data-view=full]").addEventListener("click", () => { stage.requestFullscreen?.().then(() => host.focus(), () => {}); });
  }

  enable() {}

  apply(rfb) {
    rfb.scaleViewport = this.fit;
    rfb.background = "#0c0c10";
  }

  toggle() {
    this.fit = !this.fit;
    this.button.setAttribute("aria-pressed", String(this.fit));
    const rfb = this.host.rfb();
    if (rfb) { this.apply(rfb); this.host.focus(); }
  }
}
