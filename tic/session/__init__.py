"""One run of the suite: what was asked for, what it needs, what it rests on."""
