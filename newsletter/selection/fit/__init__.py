"""How well papers fit what readers named: topics, papers they like, literal interests."""
