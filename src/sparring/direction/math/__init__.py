"""Linear algebra behind the directions; knows no generator."""
