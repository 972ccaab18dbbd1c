"""What is started: the command line, the webhook receiver, the demo."""
