"""attune reads every finished customer conversation with a language model that you run yourself."""
