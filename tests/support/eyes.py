"""What axe-core finds on a page that a browser shows."""

from axe_playwright_python.sync_playwright import Axe

OUTPUTS = {"include": [[".jp-OutputArea-output"]]}  # the rest of the page is Jupyter's


def grave(page, context=OUTPUTS, options=None):
    """Serious and critical findings: the rule and the element of each."""
    found = Axe().run(page, context=context, options=options).response["violations"]
    return [
        (each["id"], node["html"][:300])
        for each in found
        if each["impact"] in ("serious", "critical")
        for node in each["nodes"]
    ]
