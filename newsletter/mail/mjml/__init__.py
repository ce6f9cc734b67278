"""MJML to the HTML of a mail, with the Jinja in it kept."""
