"""Li et al. 2023, Uncovering the Representation of Spiking Neural Networks [...]."""
