"""What the hub costs, beside what it is compared with: `make bench`. docs/benchmarks.md holds a run."""
