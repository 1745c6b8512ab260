// Keys that a browser or a phone would keep for itself, and the way out of the screen.

export class Keys {
  // `host`: { rfb(): the connected screen or null, focus(): gives it the keyboard }.
  constructor(panel, host) {
    this.panel = panel;
    this.host = host;
    this.all = panel.querySelector("[data-key=ctrl-alt-del]");
    this.all.addEventListener("click", () => { host.rfb()?.sendCtrlAltDel(); host.focus(); });
    // Capture: noVNC takes every key that reaches its canvas.
    panel.addEventListener("keydown", (event) => this.letGo(event), true);
  }

  // `canType`: connected, and keys reach the machine.
  enable({ canType }) {
    this.all.disabled = !canType;
  }

  letGo(event) {
    if (!(event.ctrlKey && event.altKey && event.shiftKey) || !["Control", "Alt", "Shift"].includes(event.key)) return;
    event.preventDefault();
    event.stopPropagation();
    this.host.rfb()?.blur();
    this.panel.querySelector("[data-view=fit]").focus();
  }
}
