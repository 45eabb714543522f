"""A bench of faults: an audit is disturbed in every way, and compared with an undisturbed one."""
