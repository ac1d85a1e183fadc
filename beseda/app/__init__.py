"""The one place that builds objects: settings in, a container out, closed in reverse order."""
