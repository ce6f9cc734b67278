"""The JSON API, for forms on other sites."""
