"""What the fork server imports first: it binds that process, from which all workers are forked, to the supervisor.

Importing this module anywhere else would bind the wrong process.
"""

from autodet.search.executors.parent_death import bind_to_parent

bind_to_parent()
