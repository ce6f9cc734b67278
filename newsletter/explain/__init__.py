"""Why one person did or did not get one paper, found by walking the way of their digest again."""

from newsletter.explain.answers import Answer, Explanation, Rules, explain

__all__ = ["Answer", "Explanation", "Rules", "explain"]
