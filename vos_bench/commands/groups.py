"""How options are shown: in groups, and without defaults that explain nothing."""

from cyclopts import Group, Parameter

FLAG = Parameter(negative=(), show_default=False)
"""An option without a value; it is off unless given."""

REPEATED = Parameter(negative=(), show_default=False)
"""An option that may be given several times, each with one value."""

MANY = Parameter(negative=(), consume_multiple=True, show_default=False)
"""An option with several values; none unless given."""

DATA = Parameter(group=Group("Data", sort_key=1))
METHOD = Parameter(group=Group("Method", sort_key=2))
SCORING = Parameter(group=Group("Scoring", sort_key=3))
WORK = Parameter(group=Group("How it runs", sort_key=4))
PROCESS = Parameter(group=Group("A system in a process of its own", sort_key=5))
RESULTS = Parameter(group=Group("Results", sort_key=6))
EVERYWHERE = Parameter(negative=(), show_default=False, group=Group("Of every command", sort_key=9))
