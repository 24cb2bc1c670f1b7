"""First import of the fork server: binds that process, the parent of all workers, to the supervisor.

Importing this module anywhere else would bind the wrong process.
"""

from autodet.search.executors.parent_death import bind_to_parent

bind_to_parent()
