// What lies over the screen while it is not live: what happened, what is next, and behind it the last picture, greyed.

const TITLES = {
  stopped: "The VM is not running", narrowed: "You may only look now", moving: "The VM is moving", restarting: "The portal is restarting",
  node_down: "The node does not answer", node_full: "The node is full", elsewhere: "It is open elsewhere",
};
const WORDS = { again: "Open again", here: "Use it here" };

// Nothing is drawn yet: the canvas is all transparent. One point says so, read from a copy, which keeps noVNC's own fast.
const glance = document.createElement("canvas").getContext("2d", { willReadFrequently: true });

function isPainted(canvas) {
  if (!canvas?.width || !canvas.height) return false;
  glance.clearRect(0, 0, 1, 1);
  glance.drawImage(canvas, 0, 0, 1, 1, 0, 0, 1, 1);
  return glance.getImageData(0, 0, 1, 1).data[3] > 0;
}

export class Cover {
  // `closeOne(url)` ends another console of the person's.
  constructor(panel, closeOne) {
    this.panel = panel;
    this.closeOne = closeOne;
    this.part = (name) => panel.querySelector(`[data-console-${name}]`);
    this.links = {
      sign_in: [panel.dataset.signIn, "Sign in"], list: [panel.dataset.home, "My VMs"], machine: [panel.dataset.machine, `Go to ${panel.dataset.console}`],
    };
  }

  // Everything that was offered goes; the picture stays until it is dropped.
  say(title, text) {
    this.part("title").textContent = title;
    this.part("text").textContent = text;
    this.count("");
    for (const name of ["again", "link", "start", "open"]) this.part(name).hidden = true;
    if (title && this.hadFocus) this.focus();
    this.hadFocus = false;
  }

  // Before the screen goes: whoever is at it hears what became of it, and is one Tab before what to do next.
  heed() {
    const focused = document.activeElement?.closest("[data-console-stage], [data-console-do]");
    this.hadFocus = !!focused && this.panel.contains(focused);
  }

  // The box, not its button: a key that was meant for the VM presses nothing.
  focus() {
    this.part("box").focus({ preventScroll: true });
  }

  titleOf(end) {
    return TITLES[end.word] || (end.again ? "Connection lost" : "The console is closed");
  }

  count(text) {
    this.part("count").textContent = text;
  }

  // `step` as in consoles/close_codes.py.
  offer(step, word = WORDS[step]) {
    if (word) { this.part("again").textContent = word; this.part("again").hidden = false; }
    else if (this.links[step]?.[0]) this.link(...this.links[step]);
  }

  link(href, word) {
    this.part("link").href = href;
    this.part("link").textContent = word;
    this.part("link").hidden = false;
  }

  offerStart(isOffered) {
    this.part("start").hidden = !isOffered;
  }

  // The person's open consoles, each with its end.
  list(open) {
    this.part("open").replaceChildren(...open.map((one) => {
      const line = document.createElement("li");
      line.className = "d-flex align-items-center justify-content-between gap-2 mb-2 text-start";
      const words = [one.vm, one.address, `since ${one.since}`].filter(Boolean).join(" · ");
      const button = document.createElement("button");
      button.className = "btn btn-s";
      button.type = "button";
      button.textContent = "Close";
      button.setAttribute("aria-label", `Close the console of ${words}`);
      button.addEventListener("click", () => { this.focus(); button.disabled = true; this.closeOne(one.end_url); });
      line.append(words, button);
      return line;
    }));
    this.part("open").hidden = false;
  }

  // A copy of the picture, before noVNC takes its own away; where none came yet, the one before stays.
  keep() {
    const canvas = this.part("screen").querySelector("canvas"), kept = this.part("kept");
    cancelAnimationFrame(this.look);
    if (!isPainted(canvas)) return;
    [kept.width, kept.height] = [canvas.width, canvas.height];
    kept.getContext("2d").drawImage(canvas, 0, 0);
    kept.hidden = false;
  }

  // noVNC says "connect" a moment before the first picture: the kept one stays until then.
  giveWay() {
    cancelAnimationFrame(this.look);
    if (isPainted(this.part("screen").querySelector("canvas"))) this.drop();
    else this.look = requestAnimationFrame(() => this.giveWay());
  }

  drop() {
    cancelAnimationFrame(this.look);
    const kept = this.part("kept");
    kept.hidden = true;
    kept.width = kept.height = 0;
  }
}
