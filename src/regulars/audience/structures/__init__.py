"""What an index is made of: columns, bitmaps, texts and their orders."""
