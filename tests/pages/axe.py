"""axe-core, put into the page by the debugger: the page's own policy stays in force."""

from pathlib import Path

from tests.pages.window import Window

AXE = Path(__file__).resolve().parents[2] / "build" / "vendor" / "axe" / "axe.min.js"
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
RUN = """
async (tags) => {
  const outcome = await axe.run(document, { runOnly: { type: "tag", values: tags }, resultTypes: ["violations"] });
  return outcome.violations.flatMap((rule) =>
    rule.nodes.map((node) => `${rule.id}: ${node.target} ${node.failureSummary.replace(/\\s+/g, " ")}`));
}
"""


def violations(window: Window) -> list[str]:
    """One line for each element that breaks a rule of WCAG 2.2 AA or good practice."""
    if not window.run("() => typeof axe === 'object'"):
        window.run(AXE.read_text(encoding="utf-8") + ";undefined")
    return list(window.run(RUN, TAGS))
