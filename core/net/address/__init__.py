"""Which addresses may be reached: one gate judges them all."""
