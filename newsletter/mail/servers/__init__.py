"""Talks to the servers of mail: relays by SMTP, mailboxes by IMAP."""
