"""Examining one submission: its cells put right (`repair`), run in a sandbox (`session`), and judged (`examiner`)."""
