// Where the lowest choice of the page under test ends, in pixels from the page's top; called by test_one_screen.py.
(content) => {
  for (const one of content ? document.querySelectorAll(content) : []) one.style.display = "none";
  const controls = "a.btn, button, input:not([type=hidden]), select, textarea, summary, .choice";
  const shown = [...document.querySelectorAll("main :is(" + controls + ")")].filter((one) => one.checkVisibility({ visibilityProperty: true }));
  const name = (one) => (one.getAttribute("aria-label") || one.labels?.[0]?.textContent || one.textContent).trim().replace(/\s+/g, " ");
  // What lies in a region that scrolls by itself ends where the region does.
  const end = (one) => { const region = one.closest(".many"); return Math.min(one.getBoundingClientRect().bottom, region ? region.getBoundingClientRect().bottom : Infinity) + window.scrollY; };
  const ends = shown.map((one) => [Math.round(end(one)), name(one).slice(0, 60)]).sort((a, b) => b[0] - a[0]);
  return ends[0] ?? [0, ""];
}
