// Who has this screen open: "You · rita (RTP, watching) · bob (looking)", and a polite word when somebody comes or goes.

const WHAT = { watch: "RTP, watching", view: "looking" };

export class People {
  constructor(panel) {
    this.strip = panel.querySelector("[data-console-people]");
    this.said = panel.querySelector("[data-console-people-said]");
    this.others = [];
  }

  // `people` as in consoles/notices.py.
  show(people) {
    const others = people.filter((one) => !one.you).map((one) => (one.mode in WHAT ? `${one.name} (${WHAT[one.mode]})` : one.name));
    const came = without(others, this.others), went = without(this.others, others);
    this.others = others;
    this.strip.textContent = ["You", ...others].join(" · ");
    this.strip.hidden = !others.length;
    const words = [...came.map((who) => `${who} is here.`), ...went.map((who) => `${who} left.`)];
    if (words.length) this.said.textContent = words.join(" ");
  }

  clear() {
    this.others = [];
    this.strip.hidden = true;
    this.said.textContent = "";
  }
}

// What is in the first list and not in the second, each as often as it is more.
function without(these, those) {
  const left = [...those];
  return these.filter((one) => {
    const at = left.indexOf(one);
    if (at >= 0) left.splice(at, 1);
    return at < 0;
  });
}
