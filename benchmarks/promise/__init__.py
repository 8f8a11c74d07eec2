"""The talk's promise, measured: good mail beside dead destinations, with and without a fallback.

``benchmarks/run promise`` prints the table; ``python -m benchmarks.promise --help`` has the rest.
"""
