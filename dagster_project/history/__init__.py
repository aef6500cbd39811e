"""What a published month was, and how two versions of it differ."""
