"""The parts behind `bench/trees`, `bench/run` and `bench/compare`; see `bench/README.md`."""
