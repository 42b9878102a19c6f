"""How fast batchctl is, against whom: `make bench` runs the same work for everybody and prints the ratios."""
