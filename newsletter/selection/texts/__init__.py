"""Texts as what can be counted, compared and found again."""
