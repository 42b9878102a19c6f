"""The tests of batchctl; the folders mirror the package."""
