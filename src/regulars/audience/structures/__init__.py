"""The data structures of an index: columns, bitmaps, texts and text orders."""
