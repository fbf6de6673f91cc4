"""Who: faces and their embeddings, the bank of the members' photos, and whose a face is."""
