"""Speed as ratios to named peers and floors, taken side by side on one machine."""
