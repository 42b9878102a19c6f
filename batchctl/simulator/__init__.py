"""A provider and a webhook receiver on loopback, scripted to behave well or badly: for demo, tests and benchmarks."""
