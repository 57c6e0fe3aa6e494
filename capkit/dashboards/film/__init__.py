"""The film of a trace: what it shows is worked out here once, and drawn in the browser.

`scene` is all that the browser needs, as JSON; `moments` says in sentences what happens when;
`worlds` has two scenes for one film, those of a proof.
`film.js` draws any moment of it without a kernel, in a notebook and on a web page alike.
"""

from capkit.dashboards.film.scene import scene
from capkit.dashboards.film.worlds import worlds

__all__ = ["scene", "worlds"]
