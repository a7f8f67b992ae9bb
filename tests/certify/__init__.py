"""The kill certificate: a night is killed at every statement and every commit, goes on, and has to end the same."""
