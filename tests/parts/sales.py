"""A model for a sale, under the name that the tests here use."""

from beseda.testing.sales import Entry, find, form, instructions, lead_of, selling_model

__all__ = ["Entry", "find", "form", "instructions", "lead_of", "selling_model"]
