"""Claims of papers, one folder per paper."""
