"""How readers come, change, pause, leave, come back and are forgotten: for pages and terminal alike."""

from __future__ import annotations

from newsletter.subscriptions.desk import Asked, Subscriptions
from newsletter.subscriptions.files import read_table, write_csv, write_json
from newsletter.subscriptions.mailbox import mailbox
from newsletter.subscriptions.moving import Imported, export_rows, import_rows
from newsletter.subscriptions.remarks import remarks
from newsletter.subscriptions.rules import TRANSITIONS, Event

__all__ = [
    "TRANSITIONS",
    "Asked",
    "Event",
    "Imported",
    "Subscriptions",
    "export_rows",
    "import_rows",
    "mailbox",
    "read_table",
    "remarks",
    "write_csv",
    "write_json",
]
