"""The control API, the faults it plants, and the record of calls."""
