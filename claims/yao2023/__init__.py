"""Claims of Yao et al., ICCV 2023, on redundancy in spiking networks and attention on events."""
