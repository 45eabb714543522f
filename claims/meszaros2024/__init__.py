"""Claims of Mészáros et al., Front. Comput. Neurosci. 2024, on learned delays and structure."""
