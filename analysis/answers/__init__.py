"""Run -> the user's own file: every jet encoded and scored, jets generated and reconstructed, tables row by row."""
