"""The gauntlet: real processes over real databases, killed at random while a shop lives, judged from outside.

`make gauntlet` runs it long, `test_gauntlet.py` short. docs/reliability.md holds what came out of it.
"""
