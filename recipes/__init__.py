"""Recipes: how the models that come with attune are made, so that anyone can make them again."""
