"""What makes the files of the documentation that are not written by hand."""
