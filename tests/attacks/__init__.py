"""Submissions that try to gain what they did not earn, to see what they should not, or to hurt.

`tests/test_attacks.py` hands each in between two honest answers.
"""
