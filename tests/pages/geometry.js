// Run in the page under test by geometry.py; returns one sentence for each flaw.
() => {
  const found = [];
  const width = document.documentElement.clientWidth;
  const name = (el) => `<${el.tagName.toLowerCase()}${el.id ? "#" + el.id : ""} class="${el.getAttribute("class") || ""}"> ${(el.textContent || "").trim().slice(0, 40)}`;
  // The heading row of a stacked table is there for screen readers only.
  const clipped = (el) => { const head = el.closest("thead"); return head && getComputedStyle(head).position === "absolute"; };
  const shown = (el) => el.checkVisibility({ opacityProperty: true, visibilityProperty: true }) && !el.closest(".visually-hidden, .skip") && !clipped(el);
  const scrolls = (el) => { for (let up = el.parentElement; up; up = up.parentElement) if (["auto", "scroll"].includes(getComputedStyle(up).overflowX)) return true; return false; };
  const fixed = (el) => { for (let up = el; up; up = up.parentElement) if (["fixed", "sticky"].includes(getComputedStyle(up).position)) return up; return null; };
  if (document.documentElement.scrollWidth > width) found.push(`page scrolls sideways: ${document.documentElement.scrollWidth} > ${width}`);
  for (const el of document.body.querySelectorAll("*")) {
    if (!shown(el) || scrolls(el) || el.closest("svg svg, symbol")) continue;
    const box = el.getBoundingClientRect();
    if (box.width && (box.right > width + 1 || box.left < -1)) found.push(`outside the window: ${name(el)}`);
    const style = getComputedStyle(el);
    if (style.overflowX === "hidden" && el.scrollWidth > el.clientWidth + 1 && style.textOverflow !== "ellipsis" && el.children.length === 0) found.push(`cut off: ${name(el)}`);
  }
  const main = document.querySelector("main").getBoundingClientRect();
  const side = document.querySelector(".side");
  const room = width - (side && shown(side) ? side.getBoundingClientRect().width : 0);
  const isDoor = document.body.querySelector(".door") || document.body.classList.contains("door");
  if (!isDoor && main.width < Math.min(room, 1200) - 1) found.push(`main is ${main.width} of ${room} wide`);
  if (isDoor && Math.abs(main.left + main.right - width) > 2) found.push(`the door is ${main.left} from the left and ${width - main.right} from the right`);
  const controls = [...document.querySelectorAll("a[href], button, summary, input:not([type=hidden]), select, textarea")].filter(shown);
  // Of what lies in a region that scrolls by itself, only what the region shows can be on top of anything.
  const visible = (el) => {
    const box = el.getBoundingClientRect(), region = el.closest(".many")?.getBoundingClientRect() ?? box;
    const top = Math.max(box.top, region.top), bottom = Math.min(box.bottom, region.bottom);
    return { left: box.left, right: box.right, top, bottom, width: box.width, height: box.height };
  };
  const boxes = controls.map((el) => ({ el, box: visible(el), layer: fixed(el) }));
  for (const [n, one] of boxes.entries()) {
    const inText = one.el.tagName === "A" && getComputedStyle(one.el).display === "inline";
    const inLabel = one.el.closest("label");
    const target = inLabel ? inLabel.getBoundingClientRect() : one.box;
    if (!inText && (target.width < 24 || target.height < 24)) found.push(`smaller than 24 px: ${name(one.el)}`);
    for (const other of boxes.slice(n + 1)) {
      if (one.layer !== other.layer || one.el.contains(other.el) || other.el.contains(one.el)) continue;
      if (one.el.closest(".menu-in") || other.el.closest(".menu-in")) continue;
      const x = Math.min(one.box.right, other.box.right) - Math.max(one.box.left, other.box.left);
      const y = Math.min(one.box.bottom, other.box.bottom) - Math.max(one.box.top, other.box.top);
      if (x > 2 && y > 2) found.push(`on top of each other: ${name(one.el)} and ${name(other.el)}`);
    }
  }
  for (const badge of [...document.querySelectorAll(".state")].filter(shown)) {
    const box = badge.getBoundingClientRect();
    for (const { el, box: other, layer } of boxes) {
      if (layer || el.contains(badge) || el.closest(".menu-in")) continue;
      const x = Math.min(box.right, other.right) - Math.max(box.left, other.left);
      const y = Math.min(box.bottom, other.bottom) - Math.max(box.top, other.top);
      if (x > 2 && y > 2) found.push(`a state on top of ${name(el)}`);
    }
  }
  for (const { el, layer } of boxes) {
    if (layer || el.disabled || scrolls(el)) continue;
    el.focus();
    if (document.activeElement !== el) continue;
    const box = el.getBoundingClientRect();
    const top = document.elementFromPoint(box.left + box.width / 2, box.top + Math.min(box.height / 2, 20));
    if (top && !el.contains(top) && !top.contains(el) && fixed(top)) found.push(`focused under a bar: ${name(el)}`);
  }
  if (document.activeElement) document.activeElement.blur();
  window.scrollTo(0, 0);
  if (document.querySelectorAll("h1").length !== 1) found.push(`${document.querySelectorAll("h1").length} h1`);
  if (!document.title.trim()) found.push("no title");
  return found;
}
