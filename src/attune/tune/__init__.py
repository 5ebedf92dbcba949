"""Tuning: from examples to an adapter, every step checked before it runs and measured after.

`run` is the whole. `examples` reads what people wrote, `check` says what is wrong with it, `lesson` makes of
each example the tokens of serving, `folds` holds some of them out; `train` trains, `choose` picks the epoch.
"""
