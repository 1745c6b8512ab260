// That the console ends soon: nobody uses it, which one press undoes, or its time is over, which nothing does.

const IDLE = "Nobody has used this console for a while. It closes in";
const LIMIT = "This console has been open as long as one may be. You can open it again at once. It closes in";

export class Warning {
  constructor(panel, stay) {
    this.part = (name) => panel.querySelector(`[data-warn${name}]`);
    this.part("-stay").addEventListener("click", () => { stay(); this.show(null); });
  }

  // `near` as in consoles/notices.py.
  show(near) {
    clearInterval(this.timer);
    this.part("").hidden = !near;
    if (!near) return;
    const at = Date.now() + near.seconds * 1000;
    const isIdle = near.end === "idle";
    this.part("-stay").hidden = !isIdle;
    this.part("-text").textContent = isIdle ? IDLE : LIMIT;
    const count = () => { this.part("-left").textContent = `${Math.max(0, Math.round((at - Date.now()) / 1000))} s`; };
    count();
    this.timer = setInterval(count, 500);
  }
}
