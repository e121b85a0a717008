"""Benchmarks: what the product costs, as ratios to the stock way in the same run (`make bench`).

A file `bench_<what>.py` here has `measure(rounds)`, which yields its rows; `python -m tests.bench` finds it by name.
"""
