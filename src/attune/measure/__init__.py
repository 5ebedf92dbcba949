"""Measures: how near predictions are to gold, how sure each figure is, and whether two runs differ.

`evaluation` is the one act: gold and predictions are joined by id (`joined`), each field is scored row by
row (`labels`, `texts`), and every figure is a function of sums over rows, so that `bootstrap` gives all of
them an interval and `paired` all of them a p-value.
"""
