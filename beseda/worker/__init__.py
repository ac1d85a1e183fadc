"""Work that no message waits for: tasks by their noun, and the schedule that asks for them."""

from beseda.worker.tasks import load_schedule, load_tasks, register_tasks

__all__ = ["load_schedule", "load_tasks", "register_tasks"]
