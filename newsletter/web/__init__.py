"""The pages: subscribe, confirm, settings, votes, archive, and the JSON API; GET shows, POST acts."""
