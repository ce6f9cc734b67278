"""Why one person did or did not get one paper, found by walking the way of their digest again."""

from newsletter.explain.answers import Answer, Explanation, Figures, Rules, explain

__all__ = ["Answer", "Explanation", "Figures", "Rules", "explain"]
