"""Plans of Runs and who trains what is missing of them."""
