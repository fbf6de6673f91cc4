"""How the built-in checkpoints were made; nothing here is imported when the program runs."""
