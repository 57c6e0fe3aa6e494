"""The lessons as web pages that need no kernel: `python -m capkit web OUT`.

`site` builds the folder; `pages` makes a page of a notebook; `live` runs a notebook's cells to get
hold of its dashboards, guesses and films; `grid` draws each dashboard beforehand for the settings
that its page offers. `site.js` and `site.css` bring them to life in the browser.
"""

from capkit.classroom.web.site import build, weights

__all__ = ["build", "weights"]
