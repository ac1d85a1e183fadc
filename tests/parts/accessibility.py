"""axe-core on what a browser shows.

axe-core comes with `axe-playwright-python`, is under the MPL-2.0 and is used by tests alone.
"""

from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Page

# A state is judged as it comes to rest; the dots of "typing" never do.
_SETTLED = """Promise.all(document.getAnimations()
    .filter((one) => one.effect.getComputedTiming().iterations !== Infinity)
    .map((one) => one.finished.catch(() => null))).then(() => null)"""


class AccessibilityCheck:
    """Collects the findings of each state of a page, so that one run names them all."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self._findings: list[str] = []

    async def look(self, state: str) -> None:
        """Run axe-core on the page; `state` names it in the report."""
        await self.page.evaluate(_SETTLED)
        results = await Axe().run(self.page)
        for rule in results.response["violations"]:
            self._findings += [f"{state}: {rule['id']}: {node['html'][:160]}" for node in rule["nodes"]]

    def finish(self) -> None:
        """Fail with all findings."""
        assert not self._findings, "\n".join(self._findings)
