"""Where files of strangers are opened: a child process that can reach neither network nor files, and is cut short."""
