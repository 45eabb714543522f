"""Kim et al. 2023, Exploring Temporal Information Dynamics in Spiking Neural Networks."""
