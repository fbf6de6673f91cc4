"""How the demo checkpoints were made; nothing here is needed to run the program."""
