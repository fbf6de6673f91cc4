"""What was found, as pictures and files: overlay, cutout, masks, COCO JSON."""
