"""Work that no message waits for: tasks by their noun, and the schedule that asks for them."""

from beseda.app.tasks import keep_schedule, load_schedule, register_tasks

__all__ = ["keep_schedule", "load_schedule", "register_tasks"]
