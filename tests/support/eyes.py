"""What axe-core finds in the outputs of a notebook that a browser shows."""

from axe_playwright_python.sync_playwright import Axe

OUTPUTS = {"include": [[".jp-OutputArea-output"]]}


def grave(page):
    """Serious and critical findings: the rule and the element of each."""
    found = Axe().run(page, context=OUTPUTS).response["violations"]
    return [
        (each["id"], node["html"][:300])
        for each in found
        if each["impact"] in ("serious", "critical")
        for node in each["nodes"]
    ]
