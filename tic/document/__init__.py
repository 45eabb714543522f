"""What an audit is: its entries, how they are judged and corrected, how it is sealed and read."""
