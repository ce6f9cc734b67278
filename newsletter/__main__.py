"""`newsletter`, and `python -m newsletter`."""

import signal


def main() -> None:
    """Loads the commands, which takes a second or two, and runs the one that was typed.

    Until somebody can answer it, Ctrl-C just ends the process, without a traceback of imports.
    """
    usual = signal.getsignal(signal.SIGINT)
    if usual is signal.default_int_handler:  # `nohup` has it ignored
        signal.signal(signal.SIGINT, signal.SIG_DFL)

    from newsletter.cli import main as run_command

    signal.signal(signal.SIGINT, usual)
    run_command()


if __name__ == "__main__":
    main()
