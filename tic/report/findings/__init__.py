"""What the evidence of an audit says, in sentences."""
