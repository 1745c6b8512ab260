"""The stand-in against answers recorded from real daemons; only run where such recordings are at hand."""
