"""What the program remembers, as protocols: the only storage that services see, a noun a file.

The record (updates, turns, conversations, people, usage, leads) lives in SQL. What is hot or short-lived (history
window, state, cache, rate limits) lives in Redis or, without one, in this process.
"""
