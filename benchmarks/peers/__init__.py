"""What others do for the same results, written anew from their published descriptions."""
