"""The dashboards that stand alone: those that need no argument, whoever adds them."""

from inspect import signature

from capkit import dashboards


def stands_alone(name):
    """Whether a dashboard needs no argument, so that it is seen on a page of its own."""
    wanted = signature(getattr(dashboards, name)).parameters.values()
    return all(
        each.default is not each.empty or each.kind in (each.VAR_POSITIONAL, each.VAR_KEYWORD)
        for each in wanted
    )


ALONE = {name: getattr(dashboards, name) for name in dashboards.__all__ if stands_alone(name)}
